'use strict';

// Allocation by route, in real servers of the frameworks that people use.

const assert = require('node:assert/strict');
const fs = require('node:fs');
const path = require('node:path');
const { describe, it } = require('node:test');
const { nodeVersion, project, root, runToEnd } = require('./support/app');

/** What every server offers, and a client that asks for it many times at once. */
const COMMON = `
const http = require('http');
const { guard } = require('memguard');
guard.start({ snapshotOn: false });

/** Allocates so many kilobytes, of which nothing stays. */
function allocate(kilobytes) {
  let last;
  for (let i = 0; i < kilobytes; i++) last = new Array(128).fill(i + 0.5);
  return last.length;
}
/** 160 kB in eight pieces, between timers and promises of others. */
async function heavy() {
  for (let i = 0; i < 8; i++) {
    allocate(20);
    await (i % 2 ? later(1) : null);
  }
}
const logged = [];
const logLeak = (path, bytes, details) => logged.push({ path, bytes, ...details });
const get = (server, path) =>
  new Promise((resolve, reject) => {
    http.get({ port: server.address().port, path, agent }, (response) => response.resume().once('end', resolve)).once('error', reject);
  });
const agent = new http.Agent({ keepAlive: true, maxSockets: 20 });
async function askFor(server, paths, each) {
  const queue = Array.from({ length: each }, () => paths).flat();
  await Promise.all(Array.from({ length: 20 }, async () => { while (queue.length > 0) await get(server, queue.pop()); }));
}
async function end(server, meter, more) {
  await later(50);
  say({ ...meter.routes(), text: String(meter.routes()), logged, ...more });
  agent.destroy();
  server.close();
  guard.stop();
}
const PATHS = ['/shop/users/1?q=2', '/shop/users/22', '/shop/light', '/nowhere'];
`;

const EXPRESS = (name) => `
const express = require('${name}');
const { requestMemory } = require('memguard/express');
const meter = requestMemory({ attribution: 'always', logLeak });
const app = express().use(meter);
const shop = express.Router();
shop.get('/users/:id', (request, response, next) => heavy().then(() => response.end('done'), next));
shop.get('/light', (request, response) => setTimeout(() => response.end('light'), 3));
shop.get('/dump', (request, response) => response.json(Array.from({ length: 50_000 }, (_, i) => ({ i }))));
shop.get('/broken', () => { throw new Error('the app\\'s own'); });
app.use('/shop', shop);
app.use((error, request, response, next) => response.status(500).end(error.message));
const server = app.listen(0, main);
`;

const FASTIFY = (name) => `
const app = require('${name}')();
const { requestMemory } = require('memguard/fastify');
const meter = requestMemory({ attribution: 'always', logLeak });
app.register(meter);
app.register((shop, _, done) => {
  shop.get('/users/:id', async () => { await heavy(); return 'done'; });
  shop.get('/light', async () => { await later(3); return 'light'; });
  shop.get('/dump', async () => Array.from({ length: 50_000 }, (_, i) => ({ i })));
  shop.get('/broken', async () => { throw new Error('the app\\'s own'); });
  done();
}, { prefix: '/shop' });
const server = app.server;
app.listen({ port: 0 }).then(main);
`;

const KOA = `
const Koa = require('koa');
const Router = require('koa-router');
const { requestMemory } = require('memguard/koa');
const meter = requestMemory({ attribution: 'always', logLeak });
const app = new Koa();
app.silent = true;
app.use(meter);
const shop = new Router({ prefix: '/shop' });
shop.get('/users/:id', async (context) => { await heavy(); context.body = 'done'; });
shop.get('/light', async (context) => { await later(3); context.body = 'light'; });
shop.get('/dump', (context) => { context.body = JSON.stringify(Array.from({ length: 50_000 }, (_, i) => ({ i }))); });
shop.get('/broken', () => { throw new Error('the app\\'s own'); });
app.use(shop.routes());
const server = app.listen(0, main);
`;

const MAIN = `
async function main() {
  await askFor(server, PATHS, 40);
  await get(server, '/shop/dump?big=1');
  await get(server, '/shop/broken');
  await end(server, meter);
}
`;

/** Packages with what their newest line needs of Node.js. */
const FRAMEWORKS = [
  { title: 'Express 4', packages: ['express-4'], source: EXPRESS('express-4'), node: 18000, none: 'GET (no route)', broken: 'GET /broken' },
  { title: 'Express 5', packages: ['express'], source: EXPRESS('express'), node: 18000, none: 'GET (no route)', broken: 'GET /broken' },
  { title: 'Fastify 4', packages: ['fastify-4'], source: FASTIFY('fastify-4'), node: 18000, none: 'GET (no route)' },
  { title: 'Fastify 5', packages: ['fastify'], source: FASTIFY('fastify'), node: 20000, none: 'GET (no route)' },
  { title: 'Koa', packages: ['koa', 'koa-router'], source: KOA, node: 18000, none: 'GET /nowhere' },
].filter(({ node }) => nodeVersion >= node);

function projectWith(t, packages) {
  const folder = project(t);
  for (const name of packages) {
    fs.symlinkSync(path.join(root, 'node_modules', name), path.join(folder, 'node_modules', name), 'junction');
  }
  return folder;
}

describe('allocation by route', () => {
  for (const { title, packages, source, none, broken = 'GET /shop/broken' } of FRAMEWORKS) {
    it(`is told apart under concurrency in ${title}`, async (t) => {
      const app = await runToEnd(t, COMMON + source + MAIN, { folder: projectWith(t, packages) });
      const { problem, routes, text, logged } = app.said[0];
      assert.equal(problem, null);
      const of = (name) => routes.find(({ route }) => route === name) ?? assert.fail(`no ${name} in\n${text}`);
      const heavy = of('GET /shop/users/:id');
      const light = of('GET /shop/light');
      assert.deepEqual([heavy.requests, heavy.measured, light.requests, of(none).requests], [80, 80, 40, 40], text);
      // 160 kB of its own and what the framework needs, of which the light one has the same; first ones also pay for what V8 compiles.
      const own = heavy.bytes.p50 - light.bytes.p50;
      assert.ok(own > 150e3 && own < 240e3, text);
      assert.ok(light.bytes.p50 < 100e3, text);
      // What was allocated meanwhile is no one's: the light request was in flight beside nineteen others.
      assert.equal(of(broken).requests, 1);
      assert.match(text, /^route +requests +bytes p50 +p99 +measured +left behind\n/);

      const dump = logged.filter(({ path: at }) => at === '/shop/dump');
      assert.equal(dump.length, 1, JSON.stringify(logged));
      assert.ok(dump[0].bytes > 2 ** 20 && dump[0].atMostBytes >= dump[0].bytes);
      assert.deepEqual([dump[0].exact, dump[0].route], [true, 'GET /shop/dump']);
    });
  }

  it("is told apart in Node's own http, where paths become few, and clients that leave are counted", async (t) => {
    const app = await runToEnd(
      t,
      `${COMMON}
       const { requestMemory } = require('memguard/http');
       const listener = requestMemory(async (request, response) => {
         if (request.url.startsWith('/hang')) return;
         if (request.url.startsWith('/users')) await heavy();
         response.end('done');
       }, { attribution: 'always', maxRoutes: 5 });
       const server = http.createServer(listener).listen(0, async () => {
         const paths = ['/users/17', '/users/0af3c2d1-77aa-4b0e-8c19-aaaaaaaaaaaa/orders/3', '/light'];
         await askFor(server, [...paths, ...Array.from({ length: 30 }, (_, i) => '/page' + String.fromCharCode(97 + i))], 4);
         const hanging = http.get({ port: server.address().port, path: '/hang' }).once('error', () => {});
         hanging.once('socket', (socket) => socket.once('connect', () => setTimeout(() => hanging.destroy(), 50)));
         await later(300);
         end(server, listener);
       });`,
    );
    const { routes, text } = app.said[0];
    const names = routes.map(({ route }) => route);
    assert.equal(routes.length, 6, text);
    assert.ok(names.includes('(others)'), text);
    assert.equal(routes.reduce((sum, { requests }) => sum + requests, 0), 33 * 4 + 1, text);
    for (const known of names.filter((name) => name.includes('users'))) assert.match(known, /^GET \/users\/:id(\/orders\/:id)?$/);
  });

  it('by share is right on average, and windows measure some', async (t) => {
    const app = await runToEnd(
      t,
      `${COMMON}
       const { requestMemory } = require('memguard/http');
       const handler = async (request, response) => {
         if (request.url === '/heavy') await heavy();
         response.end('done');
       };
       const shared = requestMemory(handler, { attribution: 'shared' });
       const sampled = requestMemory(handler, { sampleFor: 100, sampleEvery: 300 });
       const serve = (listener) => new Promise((resolve) => { const server = http.createServer(listener).listen(0, () => resolve(server)); });
       (async () => {
         const one = await serve(shared);
         for (let i = 0; i < 30; i++) await get(one, '/heavy');
         const two = await serve(sampled);
         for (const until = Date.now() + 1500; Date.now() < until;) await askFor(two, ['/heavy', '/light'], 20);
         await later(50);
         one.close();
         end(two, sampled, { shared: shared.routes().routes });
       })();`,
    );
    const { routes, shared, text } = app.said[0];
    // Alone, its share is all: what its client allocates in the same process included.
    assert.deepEqual([shared[0].measured, shared[0].bytes], [0, null]);
    assert.ok(shared[0].shareBytes > 150e3 && shared[0].shareBytes < 400e3, JSON.stringify(shared));
    const heavy = routes.find(({ route }) => route === 'GET /heavy');
    assert.ok(heavy.measured > 0 && heavy.measured < heavy.requests, text);
    assert.ok(heavy.bytes.p50 > 150e3 && heavy.bytes.p50 < 300e3, text);
  });

  it('says which route leaves live heap behind', async (t) => {
    const app = await runToEnd(
      t,
      `${COMMON}
       const { requestMemory } = require('memguard/http');
       const kept = [];
       const listener = requestMemory((request, response) => {
         if (request.url === '/leak') kept.push(new Array(4000).fill(kept.length + 0.5));
         else allocate(10);
         response.end('done');
       });
       const server = http.createServer(listener).listen(0, async () => {
         await askFor(server, ['/leak', '/clean', '/tidy'], 50);
         let seed = 7;
         const random = (most) => { seed = (seed * 16807) % 2147483647; return 1 + (seed % most); };
         for (let window = 0; window < 18; window++) {
           await Promise.all(['/leak', '/clean', '/tidy'].map((path) => askFor(server, [path], random(40))));
           guard.forceGC();
           await later(110);
           await get(server, '/clean');
         }
         end(server, listener);
       });`,
    );
    const { routes, windows, text } = app.said[0];
    assert.ok(windows >= 15, text);
    assert.deepEqual(routes.filter(({ suspected }) => suspected).map(({ route }) => route), ['GET /leak'], text);
    const leak = routes.find(({ route }) => route === 'GET /leak');
    assert.ok(leak.leftBytes > 25_000 && leak.leftBytes < 42_000, text);
  });

  it('never gets in the way', async (t) => {
    const source = `
      const http = require('http');
      const { guard } = require('memguard');
      const { requestMemory } = require('memguard/http');
      const warnings = [];
      process.on('warning', ({ code, message }) => warnings.push(code + ' ' + message));
      const handler = (request, response) => response.end(JSON.stringify(Array.from({ length: 30_000 }, (_, i) => ({ i }))));
      const throwing = requestMemory(handler, { attribution: 'always', logLeak: () => { throw new Error('not mine'); } });
      const silent = requestMemory(handler, { attribution: 'always', route: () => { throw new Error('no route'); } });
      const plain = requestMemory(handler, { attribution: 'always' });
      const listeners = [throwing, silent, plain];
      let at = 0;
      const server = http.createServer((request, response) => listeners[at](request, response)).listen(0, async () => {
        const ask = () => new Promise((resolve) => {
          http.get({ port: server.address().port, path: '/x', agent: false }, (response) => {
            let text = '';
            response.setEncoding('utf8').on('data', (piece) => (text += piece)).once('end', () => resolve(text));
          });
        });
        const without = [(await ask()).length > 1000, plain.routes().problem];
        guard.start({ snapshotOn: false });
        const lengths = [];
        for (at = 0; at < 3; at++) for (let i = 0; i < 3; i++) lengths.push((await ask()).length > 1000);
        await later(50);
        plain.stop();
        at = 2;
        lengths.push((await ask()).length > 1000);
        await later(50);
        say({ without, lengths, warnings, plain: plain.routes(), text: String(plain.routes()) });
        guard.stop();
        server.close();
      });`;
    const { without, lengths, warnings, plain } = (await runToEnd(t, source)).said[0];
    assert.equal(without[0], true);
    assert.deepEqual([new Set(lengths), lengths.length], [new Set([true]), 10]);
    const codes = warnings.map((warning) => warning.split(' ')[0]);
    assert.equal(codes.filter((code) => code === 'MEMGUARD_LISTENER').length, 3, warnings.join('\n'));
    // The one whose route throws has ended itself, with one word.
    assert.equal(codes.filter((code) => code === 'ERR_MEMGUARD_INTERNAL').length, 1, warnings.join('\n'));
    // Three requests, one warning.
    assert.equal(codes.filter((code) => code === 'MEMGUARD_REQUEST').length, 1, warnings.join('\n'));
    assert.deepEqual(plain.routes.map(({ route, requests }) => [route, requests]), [['GET /x', 3]]);

    const [lost] = (await runToEnd(t, source, { env: { MEMGUARD_NATIVE: '0' } })).said;
    assert.deepEqual(new Set(lost.lengths), new Set([true]));
    assert.match(lost.plain.problem, /MEMGUARD_NATIVE=0/);
    assert.match(lost.text, /not counted/);
  });

  it('refuses options that make no sense', () => {
    const { requestMemory } = require('../lib/integrations/express');
    const code = (options) => {
      try {
        requestMemory(options);
        return 'fine';
      } catch (error) {
        return `${error.code} ${error.option}`;
      }
    };
    assert.equal(code(), 'fine');
    assert.equal(code({ treshold: 1 }), 'ERR_MEMGUARD_UNKNOWN_OPTION treshold');
    for (const [option, ...wrong] of [
      ['threshold', 0, 'much'],
      ['logLeak', 'log'],
      ['attribution', 'exact'],
      ['sampleFor', 0],
      ['sampleEvery', '2 years'],
      ['maxRoutes', 0, 100],
      ['route', '/'],
    ]) {
      for (const value of wrong) assert.equal(code({ [option]: value }), `ERR_MEMGUARD_INVALID_ARG ${option}`, String(value));
    }
    assert.equal(code(null), 'ERR_MEMGUARD_INVALID_ARG options');
    const http = require('../lib/integrations/http');
    assert.throws(() => http.requestMemory({}), { code: 'ERR_MEMGUARD_INVALID_ARG' });
  });
});
