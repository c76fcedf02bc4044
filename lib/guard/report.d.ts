import type { Capabilities } from './capabilities';
import type { Forecast } from './forecast';
import type { Level, Metric, Subject } from './events';
import type { MemorySample } from './sample';
import type { SnapshotInfo } from './snapshots';

/** One page about the process's memory. */
export interface MemoryReport {
  /** For people, in a terminal. */
  toString(): string;
  /** For machines. */
  toJSON(): {
    sample: MemorySample;
    state: GuardState;
    forecast: Forecast;
    snapshots: SnapshotInfo[];
    warnings: AuditWarning[];
    capabilities: Capabilities;
    app: { name: string; version: string };
  };
}

/** Limits that do not fit each other or the machine, and the exact flag or setting that mends it. */
export interface AuditWarning {
  code: string;
  message: string;
  fix: string;
}

/** Where the rules stand. */
export interface GuardState {
  level: Level;
  /** Events that were lost because the event loop did not fetch them. */
  droppedEvents: number;
  subjects: {
    subject: Subject;
    level: Level;
    rules: RuleState[];
    gc: { level: Level; timeRatio: number | null; liveRatio: number | null } | null;
    baseline: { hours: number; pendingHours: number; days: number; learning: boolean } | null;
  }[];
}

/** Where one rule stands. */
export interface RuleState {
  rule: string;
  kind: 'threshold' | 'baseline' | 'gcEffectiveness';
  metric: Metric;
  level: Level;
  value: number | null;
  of: number | null;
  ofName: string | null;
  ratio: number | null;
  warn: { ratio: number } | { bytes: number } | null;
  critical: { ratio: number } | { bytes: number } | null;
  warnViolations: number;
  criticalViolations: number;
  needed: number;
  raisedAtMs: number | null;
}
