'use strict';

// The snapshot over HTTP.

const assert = require('node:assert/strict');
const { it } = require('node:test');
const { runToEnd } = require('./support/app');

const SERVER = `
const http = require('http'), zlib = require('zlib');
const { guard } = require('memguard');
guard.start({ baseline: false, snapshotOn: false });
const token = 'sixteen characters and more';
const server = http.createServer(guard.snapshotHandler({ token })).listen(0, '127.0.0.1');
const get = (path, { headers = {}, method = 'GET' } = {}) => new Promise((resolve, reject) => {
  http.request({ host: '127.0.0.1', port: server.address().port, path, headers, method, agent: false }, (response) => {
    const chunks = [];
    response.on('data', (chunk) => chunks.push(chunk)).on('end', () => resolve({ status: response.statusCode, headers: response.headers, body: Buffer.concat(chunks) })).on('error', reject);
  }).on('error', reject).end();
});
`;

it('is sent to who has the token, and to nobody else', async (t) => {
  const app = await runToEnd(
    t,
    `${SERVER}
    server.once('listening', async () => {
      const whole = ({ body }) => { const { snapshot, nodes } = JSON.parse(body); return nodes.length === snapshot.node_count * snapshot.meta.node_fields.length; };
      for (const headers of [{}, { authorization: 'Bearer nonsense' }, { authorization: 'Basic ' + token }]) say((await get('/', { headers })).status);
      say((await get('/?token=', {})).status);
      say((await get('/?token=' + encodeURIComponent(token), { method: 'POST' })).status);
      const plain = await get('/snapshot?token=' + encodeURIComponent(token));
      say([plain.status, plain.headers['content-disposition'], whole(plain)]);
      const zipped = await get('/', { headers: { authorization: 'Bearer ' + token, 'accept-encoding': 'gzip' } });
      say([zipped.status, zipped.headers['content-encoding'], whole({ body: zlib.gunzipSync(zipped.body) })]);
      server.close(); guard.stop();
      const stopped = http.createServer(guard.snapshotHandler({ token }));
      say(stopped.listening);
    });`,
  );
  assert.deepEqual(app.said.slice(0, 5), [401, 401, 401, 401, 405]);
  const [status, disposition, whole] = app.said[5];
  assert.deepEqual([status, whole], [200, true]);
  assert.match(disposition, /^attachment; filename="snapshot-.*\.heapsnapshot"$/);
  assert.deepEqual(app.said[6], [200, 'gzip', true]);
});

it('that is refused is a 503 with the code', async (t) => {
  const app = await runToEnd(
    t,
    `${SERVER} server.once('listening', async () => { guard.stop(); const { status, body } = await get('/?token=' + encodeURIComponent(token)); say({ status, ...JSON.parse(body) }); server.close(); });`,
  );
  assert.deepEqual([app.said[0].status, app.said[0].code], [503, 'ERR_MEMGUARD_NOT_RUNNING']);
});

it('needs a token that cannot be guessed', async (t) => {
  const wrong = ['undefined', 'null', '{}', '{ token: 5 }', `{ token: 'short' }`, `{ token, other: 1 }`, `{ token, force: 'yes' }`];
  const app = await runToEnd(t, `${SERVER} for (const options of [${wrong}]) { try { guard.snapshotHandler(options); } catch ({ code, message }) { say({ code, message }); } } server.once('listening', () => server.close());`);
  assert.equal(app.said.length, wrong.length);
  assert.ok(app.said.every(({ code, message }) => /^ERR_MEMGUARD_(INVALID_ARG|UNKNOWN_OPTION)$/.test(code) && !message.includes('short')));
});
