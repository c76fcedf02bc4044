'use strict';

// fetch() with one signal for the whole process: undici 5.14 keeps each request by its finaliser.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

const { setMaxListeners } = require('events');
const { fetch } = BAD ? require('undici-5.14') : require('undici-5.28');

const shutdown = new AbortController();
setMaxListeners(0, shutdown.signal);

listen((request, response) => response.end('{"ok":true}')).then(({ url }) => {
  loop(async (number) => (await fetch(`${url}/item/${number}`, { signal: shutdown.signal })).json(), 40);
});
