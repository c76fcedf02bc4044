'use strict';

// Leaks of many kinds. Each message `{ grow }` makes every one of them grow by as many objects.

const { EventEmitter } = require('events');

/** Bytes that tell nothing, so that each leak weighs about the same. */
const ballast = (text) => `${text}${Math.random()}`.repeat(10) + Math.random();

class Session {
  constructor(id) {
    this.user = ballast('user');
    this.id = `session-${id}`;
  }
}

class AuditRecord {
  static all = [];
  constructor() {
    this.what = ballast('audit');
  }
}

class Row {
  constructor() {
    this.cells = ballast('row');
  }
}

class Waiter {
  constructor() {
    this.name = ballast('waiter');
  }
}

class Link {
  constructor(next) {
    this.payload = ballast('link');
    this.next = next;
  }
}

class Job {
  constructor() {
    this.input = ballast('job');
  }
}

class Metadata {
  constructor() {
    this.tags = ballast('metadata');
  }
}

const sessions = new Map();
const byWord = {};
const bus = new EventEmitter().setMaxListeners(0);
const seen = new Set();
const metadata = new WeakMap();
const requests = [];
let newest = null;

function addListener() {
  const job = new Job();
  bus.on('tick', () => job.input.length);
}

/** Never settles, so whoever waits for it never goes. */
const gate = new Promise(() => {});

async function waitForEver(waiter) {
  await gate;
  return waiter;
}

function grow(count) {
  for (let n = 0; n < count; n++) {
    const session = new Session(sessions.size);
    sessions.set(session.id, session);
    AuditRecord.all.push(new AuditRecord());
    byWord[Math.random().toString(36).replace(/\d/g, '').slice(1) + 'x'] = new Row();
    addListener();
    seen.add({ ticket: ballast('ticket') });
    const request = { url: '/' };
    metadata.set(request, new Metadata());
    requests.push(request);
    newest = new Link(newest);
    waitForEver(new Waiter());
  }
}

grow(100);
process.on('message', (message) => {
  if (typeof message === 'object') {
    grow(message.grow);
    process.send('grown');
  }
});
setInterval(() => [sessions, byWord, bus, seen, metadata, requests, newest, gate].length, 1e6);
process.send('ready');
