'use strict';

// Timers of all kinds, emitters, event targets, abort signals, message channels, asynchronous context.

const { EventEmitter, once, on } = require('events');
const { AsyncLocalStorage, AsyncResource, createHook } = require('async_hooks');
const { MessageChannel } = require('worker_threads');
const { performance, PerformanceObserver } = require('perf_hooks');
const channels = require('diagnostics_channel');

class UserListener {
  constructor(i) {
    this.i = i;
  }

  handleEvent() {
    return this.i;
  }
}
class UserState {
  constructor(i) {
    this.request = `r${i}`;
  }
}
class UserBus extends EventEmitter {}
const bus = new UserBus();
bus.setMaxListeners(0);
const storage = new AsyncLocalStorage();
const other = new AsyncLocalStorage();
const kept = [];
const hook = createHook({ init() {} }).enable();
for (let i = 0; i < 400; i++) {
  const listener = new UserListener(i);
  bus.on(`e${i % 20}`, () => listener);
  bus.once('later', listener.handleEvent.bind(listener));
  const target = new EventTarget();
  target.addEventListener('x', listener);
  target.addEventListener('y', () => listener, { once: true });
  const controller = new AbortController();
  controller.signal.addEventListener('abort', () => listener);
  kept.push(target, controller);
  storage.run(new UserState(i), () => {
    other.run({ i }, () => kept.push(setTimeout(() => storage.getStore(), 1e8 + (i % 7), listener)));
    kept.push(setInterval(() => listener, 1e8), new AsyncResource('USER'), AsyncResource.bind(() => listener));
  });
  if (i % 10 === 0) kept.push(once(bus, 'never'), on(bus, 'stream'));
}
hook.disable();
for (let i = 0; i < 20; i++) {
  const { port1, port2 } = new MessageChannel();
  port1.on('message', () => i);
  port1.unref();
  kept.push(port1, port2, new UserListener(i));
}
const channel = channels.channel('user');
channel.subscribe(() => kept);
const observer = new PerformanceObserver(() => {});
observer.observe({ entryTypes: ['mark'] });
for (let i = 0; i < 50; i++) performance.mark(`m${i}`);
process.on('SIGUSR2', () => kept);
global.keep = { bus, storage, other, kept, channel, observer };
global.done();
