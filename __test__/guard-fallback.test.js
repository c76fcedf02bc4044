'use strict';

// The fallback judges by the same rules as the addon: the same table of readings and events that the native
// judge is tested with, and both engines side by side on a real process.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { Judge } = require('../lib/engine/fallback/judge');
const { root, runToEnd } = require('./support/app');

/** The defaults of the native judge, and the rule of its tests: heap used of 1,000 bytes. */
const CONFIG = {
  rules: [{ id: 'heap', metric: 'heapUsed', warn: { ratio: 0.85 }, critical: { ratio: 0.95 } }],
  violations: 3,
  windowMs: 300_000,
  hysteresis: 0.05,
  recoverAfter: 3,
  cooldownMs: 600_000,
};

/** `(name, &[(second, used), …], &["calm→warn", …])`, as the native tests have it. */
function nativeCases() {
  const source = fs.readFileSync(path.join(root, 'crates', 'trend', 'src', 'tests', 'rules.rs'), 'utf8');
  const table = source.slice(source.indexOf('let cases: &[Case] = &['));
  const pattern = /\(\s*"([^"]+)",\s*&\[((?:\s*\(\d+, [\d.]+\),?)*)\s*\],\s*&\[((?:\s*"[^"]+",?)*)\s*\],?\s*\)/g;
  return [...table.slice(0, table.indexOf('\n    ];')).matchAll(pattern)].map(([, name, readings, expected]) => ({
    name,
    readings: [...readings.matchAll(/\((\d+), ([\d.]+)\)/g)].map(([, second, used]) => [Number(second) * 1000, Number(used)]),
    expected: [...expected.matchAll(/"([^"]+)"/g)].map(([, event]) => event),
  }));
}

function sample(atMs, used) {
  return { atMs, isolates: [{ heapUsedBytes: used, heapSizeLimitBytes: 1000 }] };
}

function short({ type, level, previousLevel }) {
  return type === 'alert' && level === previousLevel ? `still ${level}` : `${previousLevel}→${level}`;
}

describe('the readings of the native tests', () => {
  const cases = nativeCases();

  it('are all understood', () => {
    const source = fs.readFileSync(path.join(root, 'crates', 'trend', 'src', 'tests', 'rules.rs'), 'utf8');
    const table = source.slice(source.indexOf('let cases: &[Case] = &['));
    const names = table.slice(0, table.indexOf('\n    ];')).match(/\(\s*"[^"]+",\s*&\[/g);
    assert.equal(cases.length, names.length);
    assert.ok(cases.length >= 10);
  });

  for (const { name, readings, expected } of cases) {
    it(name, () => {
      const judge = new Judge(CONFIG, 'main');
      const events = readings.flatMap(([atMs, used]) => judge.observe(sample(atMs, used)));
      assert.deepEqual(events.map(short), expected);
    });
  }
});

describe('the figures of an event', () => {
  it('are those of the native ones', () => {
    const judge = new Judge({ ...CONFIG, rules: [CONFIG.rules[0]] }, 'main');
    const events = [[0, 900], [1000, 910], [2000, 920], [3000, 960], [4000, 970], [5000, 980], [6000, 800], [7000, 800], [8000, 800]].flatMap(([atMs, used]) => judge.observe(sample(atMs, used)));
    assert.deepEqual(events.map(short), ['calm→warn', 'warn→critical', 'critical→calm']);
    const [warn, critical, recovered] = events;
    assert.deepEqual(
      [warn.violations, warn.windowMs, warn.firstViolationAtMs, warn.atMs, warn.values, warn.threshold, warn.ratio, warn.subject],
      [3, 2000, 0, 2000, [900, 910, 920], { ratio: 0.85 }, 0.92, { name: 'main', id: 0 }],
    );
    assert.deepEqual([critical.values, critical.threshold, critical.firstViolationAtMs], [[960, 970, 980], { ratio: 0.95 }, 3000]);
    assert.deepEqual([recovered.type, recovered.lastedMs, recovered.value], ['recovered', 6000, 800]);
    assert.equal(warn.sentence, 'heap used 920 B is 92 % of the 1000 B heap limit: over 85 % in 3 of 3 readings within 2.0 s');
    assert.equal(judge.state().level, 'calm');
  });
});

it('both engines say the same of the same process', async (t) => {
  const source = `
    const { guard } = require('memguard');
    const FIGURES = ['type', 'level', 'previousLevel', 'kind', 'rule', 'metric', 'violations', 'threshold', 'subject'];
    let heard = () => {};
    for (const event of ['alert', 'eased', 'recovered']) {
      guard.on(event, (it) => { say(Object.fromEntries(FIGURES.map((figure) => [figure, it[figure]]))); heard(); });
    }
    guard.start({
      heapThreshold: false, limitThreshold: false, baseline: false, snapshotOn: false, checkInterval: 30,
      arrayBuffersThreshold: { warn: '20mb', critical: '60mb' }, alertCooldown: '1h', violations: 2,
    });
    let held;
    const alive = hold();
    const step = (megabytes) => new Promise((resolve) => { heard = resolve; held = Buffer.alloc(megabytes * 2 ** 20); guard.forceGC(); guard.sample(); });
    (async () => {
      await step(30);
      await step(80);
      await step(30);
      await step(0);
      // Within the cool-down: a level is reached, and nobody hears of it, nor of its end.
      held = Buffer.alloc(30 * 2 ** 20);
      while (guard.level !== 'warn') { guard.sample(); await later(20); }
      say(guard.level);
      held = null;
      guard.forceGC();
      while (guard.level !== 'calm') { guard.sample(); await later(20); }
      say(guard.level + ' ' + (held === null));
      guard.stop();
      clearInterval(alive);
    })();`;
  const [native, fallback] = await Promise.all([runToEnd(t, source), runToEnd(t, source, { env: { MEMGUARD_NATIVE: '0' } })]);
  assert.deepEqual(native.said.map((it) => it.type ?? it), ['alert', 'alert', 'eased', 'recovered', 'warn', 'calm true']);
  assert.deepEqual(fallback.said, native.said);
});
