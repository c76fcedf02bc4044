'use strict';

// The forecast on real processes. Time is scaled: at a pace of 300 the half hour of the horizon takes six seconds.

const assert = require('node:assert/strict');
const { describe, it } = require('node:test');
const { run, runToEnd } = require('./support/app');

const ONLY = `pace: 300, heapThreshold: false, limitThreshold: false, gcEffectiveness: false, baseline: false, snapshotOn: false`;

/** Work that leaves garbage, and `keep` bytes a second of what is kept. */
const LEAK = `
const kept = [];
let garbage;
const work = (perSecond) => {
  const start = performance.now();
  setInterval(() => {
    for (let i = 0; i < 500; i++) garbage = { i, text: 'x' + i };
    // By the clock, so that a busy machine makes it coarser but not slower.
    const due = (perSecond * (performance.now() - start)) / 1000 / 300;
    for (let i = 0; kept.length < due && i < 20000; i++) kept.push({ i, text: 'kept ' + kept.length, tags: [i, i, i], at: { i } });
  }, 20);
};
`;

describe('a leak', () => {
  it('is foreseen before the process dies of it, with time, verdict and sentence', async (t) => {
    const app = run(
      t,
      `const { guard } = require('memguard');
      const { channel } = require('diagnostics_channel');
      channel('memguard:forecast').subscribe((forecast) => say({ published: forecast.level }));
      guard.on('forecast', (forecast) => say({ ...forecast, text: String(forecast), asked: guard.forecast().level }));
      guard.start({ ${ONLY} });
      ${LEAK}
      work(1.8e6);`,
      { node: ['--max-old-space-size=64'] },
    );
    const foreseen = await app.says(({ type }) => type === 'forecast');
    assert.deepEqual(foreseen.subject, { name: 'main', id: 0 });
    assert.equal(foreseen.limitKind, 'heap');
    assert.equal(foreseen.previousLevel, 'calm');
    assert.equal(foreseen.asked, foreseen.level);
    assert.ok(foreseen.probability >= 0.3 && foreseen.probability < 1, foreseen.text);
    assert.equal(foreseen.horizonMs, 6000);
    assert.equal(foreseen.growing, true);
    assert.equal(foreseen.verdict, 'jsHeap');
    assert.equal(foreseen.evidence[0].part, 'liveHeap');
    const [low, high] = foreseen.growthInterval;
    assert.ok(low <= foreseen.growthBytesPerHour && foreseen.growthBytesPerHour <= high);
    // 1.8 MB a second, give or take what an object weighs and a busy machine.
    assert.ok(foreseen.growthBytesPerHour > 1e9 && foreseen.growthBytesPerHour < 3e10, String(foreseen.growthBytesPerHour));
    assert.ok(foreseen.timeToLimitMs > 0 && foreseen.timeToLimitMs < 30_000, foreseen.text);
    assert.match(foreseen.text, /^memguard (watch|act) \(main\): live heap .* grows by .* likely to reach it within 6 s; live JavaScript objects grow$/);
    await app.says(({ published }) => published === foreseen.level);
    const { signal, code } = await app.ends();
    assert.ok(signal === 'SIGABRT' || code !== 0, 'it was to run out of memory');
  });
});

describe('a process that does not leak', () => {
  it('is calm, and says how full it is and that it does not grow', async (t) => {
    const app = await runToEnd(
      t,
      `const { guard } = require('memguard');
      guard.on('forecast', (forecast) => say({ event: String(forecast) }));
      guard.start({ ${ONLY} });
      ${LEAK}
      for (let i = 0; i < 60000; i++) kept.push({ i, text: 'kept ' + i });
      work(0);
      setTimeout(() => {
        const forecast = guard.forecast();
        say({ forecast, text: String(forecast), report: String(guard.report()), json: JSON.parse(JSON.stringify(guard.report())).forecast.level });
        process.exit(0);
      }, 12000);`,
      { node: ['--max-old-space-size=64'] },
    );
    assert.deepEqual(app.said.filter(({ event }) => event), []);
    const { forecast, text, report, json } = app.said.at(-1);
    assert.equal(forecast.level, 'calm');
    assert.equal(json, 'calm');
    assert.ok(forecast.probability < 0.3, text);
    assert.ok(forecast.others.length >= 1);
    assert.match(report, /\nForecast\n {2}.* likely to reach it within 6 s/);
  });
});

describe('a forecast that there is not', () => {
  const ask = `const forecast = guard.forecast(); say({ level: forecast.level, probability: forecast.probability, sentence: forecast.sentence, others: forecast.others.length });`;

  it('says that it is off', async (t) => {
    const app = await runToEnd(t, `const { guard } = require('memguard'); guard.start({ forecast: false, snapshotOn: false }); ${ask} guard.stop();`);
    assert.deepEqual(app.said, [{ level: 'calm', probability: null, sentence: 'forecasts are off (forecast: false)', others: 0 }]);
  });

  it('says that it was just begun', async (t) => {
    const app = await runToEnd(t, `const { guard } = require('memguard'); guard.start({ snapshotOn: false }); ${ask} guard.stop();`);
    assert.equal(app.said[0].probability, null);
    assert.match(app.said[0].sentence, /nothing was seen yet|too little was seen/);
  });

  it('says that it needs the addon', async (t) => {
    const app = await runToEnd(t, `const { guard, capabilities } = require('memguard'); guard.start({ snapshotOn: false }); ${ask} say(capabilities().forecast.available); guard.stop();`, {
      env: { MEMGUARD_NATIVE: '0' },
    });
    assert.match(app.said[0].sentence, /^a forecast needs the addon: /);
    assert.equal(app.said[1], false);
  });

  it('is refused by a guard that does not run', async (t) => {
    const app = await runToEnd(t, `const { guard } = require('memguard'); try { guard.forecast(); } catch ({ code }) { say(code); }`);
    assert.deepEqual(app.said, ['ERR_MEMGUARD_NOT_RUNNING']);
  });
});

describe('options of the forecast', () => {
  it('that contradict each other are refused, and defaults give way', async (t) => {
    const app = await runToEnd(
      t,
      `const { MemoryGuard } = require('memguard');
      try { new MemoryGuard({ forecastWatch: 0.9, forecastAct: 0.8 }); } catch ({ code, option }) { say([code, option]); }
      for (const options of [{ forecastWatch: 0.9 }, { forecastAct: 0.2 }]) new MemoryGuard(options).start({ ...options, snapshotOn: false }).stop();
      say('fine');`,
    );
    assert.deepEqual(app.said, [['ERR_MEMGUARD_INVALID_ARG', 'forecastAct'], 'fine']);
  });
});
