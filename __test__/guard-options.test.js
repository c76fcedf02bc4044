'use strict';

// Every option of the guard: what is accepted, what is refused and how, and that a refusal changes nothing.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { test, describe, it, afterEach } = require('node:test');
const { MemoryGuard } = require('..');
const { OPTIONS, envName } = require('../lib/options/table');
const { temporaryFolder } = require('./support/app');

const TYPE = TypeError;
const RANGE = RangeError;

/** Wrong values that every option of a kind refuses: [value, class of error]. */
const WRONG = {
  threshold: [
    [true, TYPE], [[0.5], TYPE], [() => {}, TYPE], [Symbol('s'), TYPE], [10n, TYPE],
    [NaN, RANGE], [Infinity, RANGE], [-0.1, RANGE], [0, RANGE], ['', RANGE], ['much', RANGE], ['120%', RANGE], [85, RANGE], ['85', RANGE],
    [{}, RANGE], [{ warn: 0.9, critical: 0.8 }, RANGE], [{ warn: 0.8, critical: 0.8 }, RANGE], [{ warn: 'x' }, RANGE], [{ warn: [] }, TYPE],
  ],
  ratios: [['400mb', RANGE], [2 ** 30, RANGE], [true, TYPE], [NaN, RANGE], [{ warn: '1gb' }, RANGE], [{ warn: 0.9, critical: '85%' }, RANGE]],
  sizes: [[{ warn: '2gb', critical: '1gb' }, RANGE], [1000, RANGE], ['1kb', RANGE], ['1.5 parsec', RANGE]],
  duration: [[true, TYPE], [{}, TYPE], [null, TYPE], [0, RANGE], [-1, RANGE], [NaN, RANGE], [Infinity, RANGE], ['10 weeks', RANGE], ['', RANGE], [1e300, RANGE], [10n, TYPE]],
  ratio: [[true, TYPE], [{}, TYPE], [0, RANGE], [1.1, RANGE], [NaN, RANGE], ['101%', RANGE], ['a', RANGE]],
  boolean: [['true', TYPE], [1, TYPE], [null, TYPE], [0, TYPE]],
  number: [['3', TYPE], [0, RANGE], [0.001, RANGE], [NaN, RANGE], [-1, RANGE], [1e9, RANGE], [Infinity, RANGE], [null, TYPE], [10n, TYPE]],
  integer: [['3', TYPE], [0, RANGE], [1.5, RANGE], [NaN, RANGE], [-1, RANGE], [1e9, RANGE], [null, TYPE]],
  text: [[1, TYPE], [{}, TYPE], ['', RANGE], ['a\0b', RANGE], ['\ud800', RANGE], [null, TYPE], [Symbol('s'), TYPE]],
  bytes: [[true, TYPE], [{}, TYPE], [0, RANGE], [-5, RANGE], [NaN, RANGE], [1e300, RANGE], ['4 quux', RANGE]],
  function: [['console.warn', TYPE], [1, TYPE], [{}, TYPE]],
  level: [['panic', RANGE], [1, TYPE], [true, TYPE], ['WARN', RANGE]],
  signal: [['SIGFOO', RANGE], ['SIGKILL', RANGE], ['SIGSTOP', RANGE], [12, TYPE], [true, TYPE]],
};

/** Each option: the kinds of wrong values, some right ones, a right and a wrong text for the environment. */
const TABLE = {
  heapThreshold: { wrong: ['threshold', 'sizes'], right: [0.7, '70%', '400mb', 2 ** 30, { critical: '1 GiB' }, { warn: 0.5, critical: '1gb' }, false], env: ['0.7,0.9', '0.9,0.7'] },
  liveHeapThreshold: { wrong: ['threshold', 'sizes'], right: [0.7, '400mb', false], env: ['400mb', 'many'] },
  limitThreshold: { wrong: ['threshold', 'ratios'], right: [0.7, { warn: '60%', critical: 0.9 }, false], env: ['60%', '60mb'] },
  cgroupThreshold: { wrong: ['threshold', 'sizes'], right: [0.7, '1.5g', false], env: ['1.5g', '1.5x'] },
  heapTotalThreshold: { wrong: ['threshold', 'ratios'], right: [0.99, false], env: ['99%', '1gb'] },
  rssThreshold: { wrong: ['threshold', 'sizes'], right: ['2gb', 0.5, false], env: ['1gb,2gb', '2gb,1gb'] },
  externalThreshold: { wrong: ['threshold', 'sizes'], right: ['2gb', 0.5, false], env: ['1gb', '1'.repeat(30)] },
  arrayBuffersThreshold: { wrong: ['threshold', 'sizes'], right: ['2gb', 0.5, false], env: ['off', 'of'] },
  pressureThreshold: { wrong: ['threshold', 'ratios'], right: [0.1, false], env: ['0.1', '10'] },
  gcEffectiveness: { wrong: ['boolean'], right: [true, false], env: ['no', 'maybe'] },
  violations: { wrong: ['integer'], right: [1, 31], env: ['5', '5.5'] },
  violationWindow: { wrong: ['duration'], right: ['10m', 60000, '7d'], wrongToo: ['8d', 10], env: ['10m', '8d'] },
  hysteresis: { wrong: ['ratio'], right: [0.1, '10%', 0.5], wrongToo: [0.51], env: ['10%', '60%'] },
  alertCooldown: { wrong: ['duration'], right: ['1s', 1, '7d'], wrongToo: ['8d'], env: ['1m', 'now'] },
  warmup: { wrong: ['duration'], right: ['10m', false], but: [null], wrongToo: ['8d'], env: ['off', 'later'] },
  baseline: { wrong: ['boolean'], right: [true, false], env: ['0', '2'] },
  stateDir: { wrong: ['text'], right: ['.'], env: ['.', null] },
  forecast: { wrong: ['boolean'], right: [true, false], env: ['off', 'perhaps'] },
  forecastWatch: { wrong: ['ratio'], right: [0.2, '60%', 0.9], env: ['20%', '200%'] },
  forecastAct: { wrong: ['ratio'], right: [0.9, '70%', 0.2], wrongToo: [1], env: ['0.9', '1'] },
  pace: { wrong: ['number'], right: [1, 0.01, 180, 10000], env: ['180', 'fast'] },
  checkInterval: { wrong: ['duration'], right: [60000, '30s', 1500.5, '24d'], wrongToo: ['25d'], env: ['30s', '25d'] },
  calmInterval: { wrong: ['duration'], right: ['5s'], wrongToo: ['25d'], env: ['5s', '5 parsec'] },
  minInterval: { wrong: ['duration'], right: ['1s', '100ms', 10000], wrongToo: ['25d'], env: ['1s', 'soon'] },
  snapshotDir: { wrong: ['text'], right: ['./elsewhere'], env: ['./elsewhere', null] },
  snapshotOn: { wrong: ['level'], right: ['warn', 'critical', false], env: ['critical', 'never'] },
  snapshotCooldown: { wrong: ['duration'], right: ['1h', '365d'], env: ['1h', 'h'] },
  snapshotMethod: { wrong: ['level'], right: ['auto', 'fork', 'walk', 'blocking'], env: ['fork', 'spoon'] },
  snapshotCompression: { wrong: ['level'], right: ['gzip', 'zstd', 'none'], env: ['zstd', 'br'] },
  snapshotRedact: { wrong: ['level'], right: ['strings', 'all', false], env: ['strings', 'paint'] },
  snapshotAtLimit: { wrong: ['boolean'], right: [true, false], env: ['off', 'maybe'] },
  snapshotMaxPause: { wrong: ['duration'], right: ['2s', false], but: [null], env: ['2s', '2y'] },
  snapshotMaxLoad: { wrong: ['ratio'], right: [0.5, false], env: ['50%', '500%'] },
  census: { wrong: ['level'], right: ['watch', 'act', false], env: ['act', 'never'] },
  censusInterval: { wrong: ['duration'], right: ['1m', 600000], wrongToo: ['25d'], env: ['5m', '25d'] },
  hunt: { wrong: ['boolean'], right: [true, false], env: ['off', 'maybe'] },
  huntsPerDay: { wrong: ['integer'], right: [1, 1000], env: ['3', '0'] },
  huntMaxLoad: { wrong: ['ratio'], right: [0.5, false], env: ['50%', '500%'] },
  signal: { wrong: ['signal'], right: ['SIGUSR1', 'SIGUSR2', 'SIGHUP', false], env: ['SIGHUP', 'HUP'] },
  maxSnapshots: { wrong: ['integer'], right: [1, 10000], env: ['7', '0'] },
  maxSnapshotBytes: { wrong: ['bytes'], right: ['2gb', 1e9, false], env: ['2gb', '2zb'] },
  maxSnapshotAge: { wrong: ['duration'], right: ['7d', '36500d', false], but: [null], wrongToo: ['40000d'], env: ['7d', '7 years'] },
  minFreeDisk: { wrong: ['bytes'], right: ['1gb', 1], env: ['1gb', 'none'] },
  name: { wrong: ['text'], right: ['web', 'ünïcode 🐈'], env: ['web', null] },
  app: { wrong: ['text'], right: ['shop'], env: ['shop', null] },
  onAlert: { wrong: ['function'], right: [() => {}, false], env: ['off', 'console.warn'] },
  reportInterval: { wrong: ['duration'], right: ['30s', false], but: [null], wrongToo: ['25d'], env: ['30s', '30d'] },
};

const variables = [];

function set(name, value) {
  process.env[name] = value;
  variables.push(name);
}

/** The error that `call` throws, which must be one of ours with all its parts. */
function refusal(call, option, value, type) {
  let error;
  try {
    call();
  } catch (thrown) {
    error = thrown;
  }
  const shown = typeof value === 'symbol' ? value.toString() : value;
  assert.ok(error, `${option}: ${shown} was accepted`);
  assert.equal(error.code, 'ERR_MEMGUARD_INVALID_ARG', error.stack);
  assert.ok(error instanceof type, `${option}: ${error.name}`);
  assert.ok(error.option === option || error.option.startsWith(`${option}.`), `${error.option}, not ${option}`);
  assert.equal(typeof error.expected, 'string');
  assert.ok(error.message.startsWith(`${error.option} is `), error.message);
  assert.ok(error.message.endsWith(error.expected), error.message);
  if (error.option === option) assert.ok(Object.is(error.value, value), `value is ${String(error.value)}`);
  return error;
}

/** What must not be there after a refusal. */
function nothingHappened(guard, before) {
  assert.equal(guard?.running ?? false, false);
  assert.deepEqual(listeners(), before.listeners);
  assert.deepEqual(fs.readdirSync(process.cwd()), before.files);
  assert.equal(threads(), 0);
}

/** How many sampler threads this process has. */
function threads() {
  if (process.platform !== 'linux') return 0;
  return fs.readdirSync('/proc/self/task').filter((task) => {
    try {
      return fs.readFileSync(`/proc/self/task/${task}/comm`, 'utf8').trim() === 'memguard';
    } catch {
      return false;
    }
  }).length;
}

function listeners() {
  return process.eventNames().map((event) => [String(event), process.listenerCount(event)]);
}

function state() {
  return { listeners: listeners(), files: fs.readdirSync(process.cwd()) };
}

afterEach(() => {
  for (const name of variables.splice(0)) delete process.env[name];
});

it('the table above knows every option, and every option is in the types', () => {
  assert.deepEqual(Object.keys(TABLE).sort(), Object.keys(OPTIONS).sort());
  const types = fs.readFileSync(path.join(__dirname, '..', 'lib', 'options', 'index.d.ts'), 'utf8');
  for (const name of Object.keys(OPTIONS)) assert.match(types, new RegExp(`^  ${name}\\?: `, 'm'));
});

describe('each option', () => {
  for (const [option, { wrong, right, wrongToo = [], but = [], env }] of Object.entries(TABLE)) {
    test(option, (t) => {
      const home = process.cwd();
      process.chdir(temporaryFolder(t));
      t.after(() => process.chdir(home));
      const before = state();
      const bad = [...wrong.flatMap((kind) => WRONG[kind]), ...wrongToo.map((value) => [value, RANGE])];
      for (const [value, type] of bad.filter(([value]) => !but.includes(value))) {
        refusal(() => new MemoryGuard({ [option]: value }), option, value, type);
        const guard = new MemoryGuard();
        refusal(() => guard.start({ [option]: value }), option, value, type);
        nothingHappened(guard, before);
      }
      for (const value of right) assert.equal(new MemoryGuard({ [option]: value }).running, false);
      assert.equal(new MemoryGuard({ [option]: undefined }).running, false);

      const variable = envName(option);
      const [good, nonsense] = env;
      set(variable, good);
      new MemoryGuard({});
      set(variable, '');
      new MemoryGuard({});
      // Every text is a good name.
      if (nonsense === null) return;
      set(variable, nonsense);
      refusal(() => new MemoryGuard({}), variable, nonsense, Error);
      const guard = new MemoryGuard();
      refusal(() => guard.start(), variable, nonsense, Error);
      nothingHappened(guard, before);
    });
  }
});

describe('an option that does not exist', () => {
  const cases = [
    ['heapTreshold', 0.8, /did you mean heapThreshold\?$/],
    ['checkinterval', 1000, /did you mean checkInterval\?$/],
    ['interval', 1000, /did you mean \w+Interval\?$|one of heapThreshold, /],
    ['zzz', 1, /one of heapThreshold, liveHeapThreshold, /],
    ['__proto__', 1, /one of /],
    ['constructor', 1, /one of /],
    ['toString', 1, /one of |did you mean/],
  ];
  for (const [name, value, message] of cases) {
    it(name, () => {
      const options = Object.defineProperty({}, name, { value, enumerable: true });
      const expected = { name: 'TypeError', code: 'ERR_MEMGUARD_UNKNOWN_OPTION', option: name, value, message };
      assert.throws(() => new MemoryGuard(options), expected);
      assert.throws(() => new MemoryGuard().start(options), expected);
    });
  }

  it('in a threshold', () => {
    assert.throws(() => new MemoryGuard({ heapThreshold: { warm: 0.8 } }), {
      code: 'ERR_MEMGUARD_UNKNOWN_OPTION',
      option: 'heapThreshold.warm',
      message: /did you mean heapThreshold\.warn\?/,
    });
  });

  it('in the environment', () => {
    set('MEMGUARD_HEAP_TRESHOLD', '0.8');
    assert.throws(() => new MemoryGuard().start(), {
      code: 'ERR_MEMGUARD_UNKNOWN_OPTION',
      option: 'MEMGUARD_HEAP_TRESHOLD',
      message: /did you mean MEMGUARD_HEAP_THRESHOLD\?/,
    });
  });
});

it('options that are no object', () => {
  for (const value of [null, 1, 'heapThreshold', [], () => {}, true, Symbol('s')]) {
    const expected = { name: 'TypeError', code: 'ERR_MEMGUARD_INVALID_ARG', option: 'options' };
    assert.throws(() => new MemoryGuard(value), expected);
    assert.throws(() => new MemoryGuard().start(value), expected);
  }
});

describe('options against each other', () => {
  const refused = (options, expected) => {
    assert.throws(() => new MemoryGuard(options), { name: 'RangeError', code: 'ERR_MEMGUARD_INVALID_ARG', ...expected });
    assert.throws(() => new MemoryGuard().start(options), { name: 'RangeError', code: 'ERR_MEMGUARD_INVALID_ARG', ...expected });
  };

  it('minInterval above checkInterval', () => {
    refused({ checkInterval: 2000, minInterval: 3000 }, { option: 'minInterval', value: 3000, expected: /at most .* \(2000 ms\)/ });
    refused({ calmInterval: '2s', minInterval: '3s' }, { option: 'minInterval', value: 3000 });
    new MemoryGuard({ checkInterval: 2000, minInterval: 2000 });
  });

  it('a minInterval that nobody gave makes way', () => {
    new MemoryGuard({ checkInterval: 100 });
    new MemoryGuard({ calmInterval: 100 });
  });

  it('more readings than fit in the window', () => {
    refused({ violationWindow: '5s' }, { option: 'violationWindow', value: 5000, expected: /at least 20000 ms, for 3 readings/ });
    refused({ violations: 32 }, { option: 'violations', value: 32, expected: /at most 31, / });
    refused({ checkInterval: '10m', calmInterval: '10m' }, { option: 'calmInterval', expected: /at most 150000 ms, / });
    new MemoryGuard({ violations: 1, violationWindow: 1 });
    new MemoryGuard({ violations: 3, violationWindow: '20s' });
    new MemoryGuard({ violations: 3, violationWindow: '2s', checkInterval: '1s' });
  });

  it('between code and environment, under the name that was used', () => {
    set('MEMGUARD_MIN_INTERVAL', '3s');
    refused({ checkInterval: 2000 }, { option: 'MEMGUARD_MIN_INTERVAL' });
    set('MEMGUARD_VIOLATION_WINDOW', '1s');
    refused({ minInterval: 10 }, { option: 'MEMGUARD_VIOLATION_WINDOW' });
  });

  it('code goes before the environment', () => {
    set('MEMGUARD_CHECK_INTERVAL', '50ms');
    refused({ minInterval: 100 }, { option: 'minInterval' });
    new MemoryGuard({ minInterval: 100, checkInterval: '1s' });
  });
});

describe('a folder that cannot be used', () => {
  for (const option of ['snapshotDir', 'stateDir']) {
    it(option, (t) => {
      const folder = temporaryFolder(t);
      const file = path.join(folder, 'file');
      fs.writeFileSync(file, '');
      for (const dir of [file, path.join(file, 'below'), path.join(file, 'a', 'b')]) {
        const expected = { code: 'ERR_MEMGUARD_SNAPSHOT_DIR', option, value: dir, expected: /a folder that can be written to/ };
        assert.throws(() => new MemoryGuard({ [option]: dir }), expected);
        const guard = new MemoryGuard();
        assert.throws(() => guard.start({ [option]: dir }), expected);
        assert.equal(guard.running, false);
        set(envName(option), dir);
        assert.throws(() => new MemoryGuard({}), { ...expected, option: envName(option) });
        delete process.env[envName(option)];
      }
      assert.deepEqual(fs.readdirSync(folder), ['file']);
    });
  }

  it('is not made by the constructor nor by start', (t) => {
    const folder = path.join(temporaryFolder(t), 'a', 'b');
    const guard = new MemoryGuard({ snapshotDir: folder }).start();
    t.after(() => guard.stop());
    assert.equal(fs.existsSync(path.dirname(folder)), false);
  });
});

describe('odd objects', () => {
  it('a getter is read once', () => {
    let reads = 0;
    new MemoryGuard({
      get violations() {
        reads += 1;
        return 2;
      },
    });
    assert.equal(reads, 1);
  });

  it("a getter's own error comes through, and nothing has started", () => {
    const guard = new MemoryGuard();
    const options = Object.defineProperty({}, 'name', {
      enumerable: true,
      get() {
        throw new Error('mine');
      },
    });
    assert.throws(() => guard.start(options), { message: 'mine' });
    assert.equal(guard.running, false);
  });

  it('symbols and inherited properties are no options', () => {
    new MemoryGuard({ [Symbol('heapThreshold')]: 'x' });
    new MemoryGuard(Object.create({ heapThreshold: 'nonsense' }));
    new MemoryGuard(Object.assign(Object.create(null), { violations: 2 }));
  });

  it('a polluted prototype has no say', (t) => {
    Object.prototype.violations = 'polluted';
    Object.prototype.snapshotDir = '\0';
    t.after(() => {
      delete Object.prototype.violations;
      delete Object.prototype.snapshotDir;
    });
    const guard = new MemoryGuard().start();
    guard.stop();
    new MemoryGuard({ heapThreshold: 0.5 });
  });

  it('a threshold object is not kept: later changes to it do nothing', (t) => {
    const heapThreshold = { warn: 0.8, critical: 0.9 };
    const guard = new MemoryGuard({ heapThreshold });
    heapThreshold.warn = 'nonsense';
    guard.start();
    t.after(() => guard.stop());
    const rule = guard.report().toJSON().state.subjects.flatMap(({ rules }) => rules).find(({ rule: id }) => id === 'heapThreshold');
    assert.deepEqual(rule.warn, { ratio: 0.8 });
  });

  it('a wrong value of another option leaves a running guard as it was', (t) => {
    const guard = new MemoryGuard({ violations: 7 }).start();
    t.after(() => guard.stop());
    assert.throws(() => guard.start({ violations: 9, heapThreshold: 'x' }));
    assert.equal(guard.running, true);
    guard.start({});
    const [{ needed }] = guard.report().toJSON().state.subjects.flatMap(({ rules }) => rules);
    assert.equal(needed, 7);
  });
});
