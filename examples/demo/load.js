'use strict';

const autocannon = require('autocannon');

const PRODUCTS = 5000;

/**
 * Visitors, by autocannon: each asks for a page, waits for it and asks for the next, so a slow server gets
 * fewer requests and not a queue that grows.
 */
class Load {
  #cannon;
  #result;
  #count = 0;
  #errors = 0;
  #stopped = null;

  constructor(url, { visitors }) {
    let product = 0;
    const nextProduct = (request) => ({ ...request, path: `/products/${(product = (product + 1) % PRODUCTS)}` });
    this.#result = new Promise((resolve, reject) => {
      this.#cannon = autocannon(
        { url, connections: visitors, duration: 600, requests: [{ setupRequest: nextProduct }] },
        (error, result) => (error ? reject(error) : resolve(result)),
      );
    });
    this.#cannon.on('response', (client, status) => (status === 200 ? this.#count++ : this.#errors++));
    this.#cannon.on('reqError', () => this.#errors++);
  }

  /** Requests that were answered, so far. */
  get count() {
    return this.#count;
  }

  /** Ends it, once. Answers `{ count, errors, medianMs, p99Ms, maxMs }`. */
  stop() {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end() {
    const errors = this.#errors;
    this.#cannon.stop();
    const { latency } = await this.#result;
    return { count: this.#count, errors, medianMs: latency.p50, p99Ms: latency.p99, maxMs: latency.max };
  }
}

module.exports = { Load };
