'use strict';

// Each kind of growth in a real process, hunted in it: what leaks is told as what it is, and what does not is no leak of JavaScript.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { pathToFileURL } = require('node:url');
const { project, run } = require('./support/app');
const { findChromium, withPage } = require('./support/chromium');

const GUARD = `
const { guard } = require('memguard');
const tell = ({ code, message }) => say({ code, message });
const gist = ({ status, isLeak, verdict, suspects, cure, allocationCalls }) => ({
  status, isLeak, verdict: verdict.class, confidence: verdict.confidence, evidence: verdict.evidence.map(({ kind, text }) => kind + ': ' + text), code: cure && cure.code,
  suspects: suspects.map(({ class: name, pattern, words, confidence }) => ({ name, words, confidence, pattern: pattern.pattern, why: pattern.evidence.join('; ') })), calls: allocationCalls.length,
});
guard.on('degraded', ({ feature, reason }) => say({ degraded: feature, reason }));
const start = (settings) => guard.start({ baseline: false, snapshotOn: false, census: false, hunt: false, ...settings });
const ask = (interval) => guard.hunt({ interval }).then((report) => { say(gist(report)); process.exit(0); }, tell);
`;

/** What a hunt says of a program that asks for one. */
async function hunted(t, program, options) {
  const app = run(t, `${GUARD} ${program}`, options);
  const told = await app.says((it) => it.verdict || it.code);
  assert.equal(told.code ?? null, told.verdict ? told.code : null, told.message);
  assert.ok(told.verdict, JSON.stringify(told));
  return told;
}

/** A browser is part of the machine that runs CI; elsewhere people may have none. */
const WITHOUT_BROWSER = findChromium() === undefined && !process.env.CI ? 'no Chromium on this machine' : false;
const isLinux = process.platform === 'linux';
const usesGlibc = isLinux && process.report.getReport().header.glibcVersionRuntime !== undefined;

describe('a hunt tells', { skip: !isLinux && 'a hunt needs Linux', concurrency: 3 }, () => {
  it('objects that are kept as a leak of JavaScript, with the calls that made them', async (t) => {
    const { verdict, isLeak, suspects, calls } = await hunted(
      t,
      `class Visit { constructor(i) { this.i = i; this.path = '/p/' + i; } }
      const visits = []; let last = 0;
      setInterval(() => { for (let i = 0; i < 300; i++) visits.push(new Visit(last++)); }, 10);
      start(); ask('2s');`,
    );
    assert.deepEqual([verdict, isLeak, suspects[0].name], ['jsLeak', true, 'Visit']);
    assert.ok(calls > 1, `${calls} calls`);
  });

  it('the calls that made them in a flame graph, which a browser draws', { skip: WITHOUT_BROWSER }, async (t) => {
    const app = run(
      t,
      `${GUARD} const visits = []; let last = 0;
      function makeVisit() { return { i: last, path: '/p/' + last++, list: [1, 2, 3] }; }
      function serve() { for (let i = 0; i < 300; i++) visits.push(makeVisit()); }
      setInterval(function everyTick() { serve(); }, 10);
      start();
      guard.hunt({ interval: '2s' }).then((report) => { require('fs').writeFileSync('leak.html', report.toHTML()); say({ drawn: true }); process.exit(0); }, tell);`,
    );
    const { message } = await app.says((it) => it.drawn || it.code);
    assert.equal(message, undefined);
    const file = path.join(app.folder, 'leak.html');
    assert.doesNotMatch(fs.readFileSync(file, 'utf8'), /(?:src|href)=/);
    await withPage(pathToFileURL(file).href, async (page) => {
      const tiles = await page.evaluate(`[...document.querySelectorAll('#chart g')].map((g) => ({ label: g.getAttribute('aria-label'), width: g.querySelector('rect').getBoundingClientRect().width }))`);
      const [serve, everyTick] = ['serve', 'everyTick'].map((name) => tiles.find(({ label }) => label.startsWith(name)));
      assert.ok(serve.width > 100 && everyTick.width >= serve.width, JSON.stringify(tiles.slice(0, 20)));
      assert.match(await page.evaluate('document.body.innerText'), /Memory leak: visits[^]+What allocates[^]+Where what is alive was allocated/);
      assert.deepEqual([page.complaints, page.requests], [[], [pathToFileURL(file).href]]);
    });
  });

  it('a place in minified code as such, and why its source map is of no use', async (t) => {
    const folder = project(t);
    fs.writeFileSync(path.join(folder, 'bundle.min.js'), `"use strict";const a=[];let b=0;function c(){for(let d=0;d<300;d++)a.push({e:b++,f:"x"+b})}${'/*'.padEnd(2000, '-')}*/;setInterval(c,10);\n//# sourceMappingURL=bundle.min.js.map\n`);
    fs.writeFileSync(path.join(folder, 'bundle.min.js.map'), '{"version":3,"mappings":');
    const app = run(
      t,
      `${GUARD} require('./bundle.min.js'); start();
      guard.hunt({ interval: '2s' }).then(({ isLeak, suspects: [{ keptAt }] }) => { say({ isLeak, keptAt }); process.exit(0); }, tell);`,
      { folder },
    );
    const { isLeak, keptAt, message } = await app.says((it) => it.keptAt || it.code);
    assert.equal(message, undefined);
    assert.deepEqual([isLeak, path.basename(keptAt.file), keptAt.minified], [true, 'bundle.min.js', true]);
    assert.match(keptAt.sourceMapError, /source map is broken/);
  });

  it('a cache of its own that fills as one that grows to its bound', async (t) => {
    const { verdict, isLeak } = await hunted(
      t,
      `const { LRUCache } = require('memguard');
      const pages = new LRUCache({ max: 1e6, name: 'pages' }); let last = 0;
      setInterval(() => { for (let i = 0; i < 200; i++) pages.set('p' + last, { html: 'x' + last++ }); }, 10);
      start(); ask('2s');`,
    );
    assert.deepEqual([verdict, isLeak], ['cacheFilling', false]);
  });

  it('Buffers that are kept as external memory', async (t) => {
    const { verdict, isLeak, suspects } = await hunted(
      t,
      `const uploads = [];
      setInterval(() => uploads.push(Buffer.alloc(64 << 10, 1)), 10);
      start(); ask('2s');`,
    );
    assert.deepEqual([verdict, isLeak], ['external', true]);
    assert.match(suspects[0].words, /uploads/);
  });

  it('sessions that come and go as no leak', async (t) => {
    const { verdict, isLeak } = await hunted(
      t,
      `const sessions = new Map(); let last = 0;
      setInterval(() => {
        for (let i = 0; i < 100; i++) {
          sessions.set(last, { id: last++, cart: [{ id: last }, { half: last / 2 }] });
          if (sessions.size > 5000) sessions.delete(sessions.keys().next().value);
        }
      }, 10);
      start();
      const full = setInterval(() => { if (sessions.size < 5000) return; clearInterval(full); ask('2s'); }, 50);`,
    );
    assert.ok(['load', 'none', 'unknown'].includes(verdict), verdict);
    assert.equal(isLeak, false);
  });

  it('nothing where nothing grows', async (t) => {
    const { verdict, isLeak, suspects } = await hunted(t, `setInterval(() => JSON.parse('[1,{"a":2}]'), 5); start(); setTimeout(() => ask('1500ms'), 3000);`);
    assert.ok(['none', 'unknown'].includes(verdict), verdict);
    assert.deepEqual([isLeak, suspects], [false, []]);
  });

  it('what malloc keeps after a peak as fragmentation', { skip: !usesGlibc && 'only glibc tells what it keeps' }, async (t) => {
    // Blocks of a size that comes from arenas, of which a few that stay keep all that lies between them.
    const { verdict, isLeak, evidence, code } = await hunted(
      t,
      `const peak = []; const kept = [];
      for (let i = 0; i < 12000; i++) peak.push(Buffer.allocUnsafeSlow(16 << 10).fill(1));
      for (let i = 0; i < peak.length; i += 100) kept.push(peak[i]);
      peak.length = 0; gc();
      start(); setTimeout(() => ask('1500ms'), 2000); setInterval(() => kept.length, 1000);`,
      { node: ['--expose-gc'] },
    );
    assert.deepEqual([verdict, isLeak], ['fragmentation', false], evidence.join('\n'));
    assert.match(evidence.join('\n'), /arenaFree: glibc holds .* in \d+ arenas, .* of it free .*; MALLOC_ARENA_MAX is not set/);
    assert.match(code, /MALLOC_ARENA_MAX=2/);
  });

  it('memory that only malloc knows of as native, unattended', { skip: !usesGlibc && 'only glibc tells what it hands out' }, async (t) => {
    // The environment is libc's own: nothing of it is on the heap.
    const app = run(
      t,
      `${GUARD} let last = 0; const text = 'x'.repeat(100e3);
      setInterval(() => { process.env['LEAK_' + last++] = text; }, 20);
      guard.on('leak', (report) => { say(gist(report)); process.exit(0); });
      start({ hunt: true, pace: 240 });`,
    );
    const { verdict, isLeak, suspects, evidence, confidence } = await app.says((it) => it.verdict);
    assert.deepEqual([verdict, isLeak, suspects], ['native', true, []], evidence.join('\n'));
    assert.ok(confidence >= 0.5);
    assert.match(evidence.join('\n'), /mallocGrows: malloc has handed out more at each look/);
  });

  it('listeners as such, with the warning that Node.js gave', async (t) => {
    const { isLeak, suspects } = await hunted(
      t,
      `const { EventEmitter } = require('events');
      class Bus extends EventEmitter {}
      const bus = new Bus(); let last = 0;
      start({ hunt: true });
      setInterval(() => { for (let i = 0; i < 20; i++) { const row = { id: last++, list: [last, last] }; bus.on('change', () => row.id); } }, 10);
      setTimeout(() => ask('2s'), 300);`,
    );
    assert.deepEqual([isLeak, suspects[0].pattern], [true, 'event-listener'], JSON.stringify(suspects));
    assert.match(suspects[0].why, /Node warned of it: 11 'change' listeners added to Bus \(MaxListenersExceededWarning\)/);
  });

  it('sockets that stay open as such, with the handles of the event loop', async (t) => {
    const { isLeak, suspects } = await hunted(
      t,
      `const net = require('net');
      const server = net.createServer((socket) => socket.resume()).listen(0, '127.0.0.1', () => {
        const open = [];
        setInterval(() => open.push(net.connect(server.address().port, '127.0.0.1')), 20);
        start(); setTimeout(() => ask('3s'), 1000);
      });`,
    );
    assert.deepEqual([isLeak, suspects[0].pattern], [true, 'unclosed-stream'], JSON.stringify(suspects));
    assert.match(suspects[0].why, /the event loop had \d+ TCPSocketWrap and has \d+ now/);
  });
});
