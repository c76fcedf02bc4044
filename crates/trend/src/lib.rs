//! Judgement over memory readings: thresholds, consecutive violations, hysteresis, baseline, GC effectiveness.
