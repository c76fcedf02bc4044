'use strict';

// Each client's filter is piped to from one feed, and stays piped to when the client has gone.
const { loop, churn, BAD } = require('../../lib/loop');

const { PassThrough, Transform } = require('stream');

const feed = new PassThrough({ objectMode: true });
feed.setMaxListeners(0);
feed.resume();

class ClientFilter extends Transform {
  constructor(topic) {
    super({ objectMode: true });
    this.topic = topic;
    this.resume();
  }

  _transform(chunk, encoding, done) {
    done(null, chunk.topic === this.topic ? chunk : undefined);
  }
}

loop((number) => {
  churn(number);
  if (number % 16) return;
  const client = new ClientFilter(number);
  feed.pipe(client);
  if (!BAD) setTimeout(() => feed.unpipe(client), 50);
}, 400);
