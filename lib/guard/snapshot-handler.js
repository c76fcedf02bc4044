'use strict';

const { createHash, timingSafeEqual } = require('crypto');
const { PassThrough, pipeline } = require('stream');
const { invalidType, invalidValue, unknownOption } = require('../errors');
const { boolean } = require('../options/types');
const { canZstd } = require('./snapshot-stream');

const DEFAULTS = { token: undefined, force: false };
/** A shorter one could be guessed. */
const LEAST_TOKEN = 16;

function parseOptions(options) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw invalidType('options', options, 'an object with a token');
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], Object.keys(DEFAULTS));
  const { token, force = DEFAULTS.force } = options;
  const expected = `a secret of at least ${LEAST_TOKEN} characters`;
  if (typeof token !== 'string') throw invalidType('token', token, expected);
  // The value of a secret has no place in a message.
  if (token.length < LEAST_TOKEN) throw invalidValue('token', `${token.length} characters`, expected);
  return { token, force: boolean.parse('force', force) };
}

/**
 * A request listener that sends a heap snapshot of this moment: for `http.createServer`, or a route of Express. Who asks
 * proves by `Authorization: Bearer TOKEN`, or by `?token=TOKEN` from a browser, that it may.
 */
function snapshotHandler(take, options) {
  const { token, force } = parseOptions(options);
  const wanted = digest(token);

  return function serveSnapshot(request, response) {
    if (request.method !== 'GET') return refuse(response, 405, { allow: 'GET' }, { message: 'only GET is understood here' });
    if (!timingSafeEqual(digest(tokenOf(request)), wanted)) {
      return refuse(response, 401, { 'www-authenticate': 'Bearer' }, { message: 'a heap snapshot needs the token' });
    }
    const body = new PassThrough();
    const compression = wantedCompression(request.headers['accept-encoding']);
    // Only when there is something to send is it certain that there is something to send.
    body.once('readable', () => send(response, body, compression));
    take({ to: body, compression, reason: 'http', force }).catch(({ code, message }) => {
      if (!response.headersSent) refuse(response, 503, { 'retry-after': '60' }, { code, message });
      else response.destroy();
    });
  };
}

/** What the reader accepts: zstd rather than gzip, since it takes a fraction of the time. */
function wantedCompression(accepted = '') {
  const codings = accepted.split(',').map((coding) => coding.split(';').map((part) => part.trim().toLowerCase()));
  const accepts = (name) => codings.some(([coding, weight]) => coding === name && !/^q=0(\.0*)?$/.test(weight ?? ''));
  if (accepts('zstd') && canZstd()) return 'zstd';
  return accepts('gzip') ? 'gzip' : 'none';
}

function send(response, body, compression) {
  const stamp = new Date().toISOString().replaceAll(':', '-');
  response.writeHead(200, {
    'content-type': 'application/json',
    'content-disposition': `attachment; filename="snapshot-${stamp}.heapsnapshot"`,
    'cache-control': 'no-store',
    vary: 'accept-encoding',
    ...(compression === 'none' ? {} : { 'content-encoding': compression }),
  });
  // A reader that leaves destroys the body, and by that ends the child.
  pipeline(body, response, () => {});
}

function refuse(response, status, headers, told) {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers });
  response.end(`${JSON.stringify(told)}\n`);
}

function tokenOf({ headers, url }) {
  const [, bearer] = /^Bearer (.+)$/i.exec(headers.authorization ?? '') ?? [];
  return bearer ?? new URLSearchParams(url.split('?')[1] ?? '').get('token') ?? '';
}

/** Of one length, whatever was sent: so that comparing takes the same time. */
const digest = (text) => createHash('sha256').update(text).digest();

module.exports = { snapshotHandler };
