'use strict';

const http = require('http');
const https = require('https');

/** What a request that nobody wants any more ends with. */
const ABANDONED = 'abandoned';

/** One endpoint: what is sent to it, over connections that are kept. */
class Endpoint {
  #transport;
  #agent;
  #options;
  #body;
  #timeoutMs;
  #template;

  constructor(address, { method, headers, body, concurrency, timeoutMs }) {
    const url = new URL(address);
    for (const [name, value] of Object.entries(headers)) {
      http.validateHeaderName(name);
      http.validateHeaderValue(name, value);
    }
    const secure = url.protocol === 'https:';
    this.#transport = secure ? https : http;
    this.#agent = new this.#transport.Agent({ keepAlive: true, maxSockets: concurrency, maxFreeSockets: concurrency });
    this.#body = body;
    this.#timeoutMs = timeoutMs;
    this.#template = address.includes('{i}') ? address : null;
    const length = body === null ? {} : { 'content-length': String(Buffer.byteLength(body)) };
    // `auth` of a URL, IPv6 hosts and the rest are Node's own affair.
    this.#options = { ...optionsOf(url), method, agent: this.#agent, headers: { ...length, ...headers } };
  }

  /** Sends the request of this number; `done({ status, error, bytes })` is called once. Answers how to give it up. */
  send(number, done) {
    let finished = false;
    let bytes = 0;
    const options = this.#template === null ? this.#options : { ...this.#options, ...optionsOf(new URL(this.#template.replaceAll('{i}', String(number)))) };
    const request = this.#transport.request(options);
    const finish = (status, error) => {
      if (finished) return;
      finished = true;
      clearTimeout(timer);
      done({ status, error, bytes });
      if (error !== null) request.destroy();
    };
    const timer = setTimeout(finish, this.#timeoutMs, null, 'timeout');
    request.on('response', (response) => {
      response.on('data', (chunk) => (bytes += chunk.length));
      response.on('end', () => finish(response.statusCode, null));
      response.on('error', (error) => finish(null, error.code ?? error.name));
      // Before its end: the other side went away in the middle.
      response.on('close', () => finish(null, 'ERR_PARTIAL_RESPONSE'));
    });
    request.on('error', (error) => finish(null, error.code ?? error.name));
    request.end(this.#body ?? undefined);
    return () => finish(null, ABANDONED);
  }

  close() {
    this.#agent.destroy();
  }
}

function optionsOf(url) {
  const { protocol, hostname, port, pathname, search, username, password } = url;
  const auth = username === '' ? {} : { auth: `${decodeURIComponent(username)}:${decodeURIComponent(password)}` };
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port, path: pathname + search, ...auth };
}

module.exports = { ABANDONED, Endpoint };
