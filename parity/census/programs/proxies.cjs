'use strict';

// Proxies, regular expressions, symbols, accessors.

class UserTarget {
  constructor(i) {
    this.i = i;
  }
}
class UserHandler {
  get(target, key) {
    return key in target ? target[key] : undefined;
  }
}
class UserAccessors {
  constructor() {
    let hidden = new UserTarget(1);
    Object.defineProperty(this, 'hidden', { get: () => hidden, set(to) { hidden = to; }, enumerable: true });
    Object.defineProperty(this, 'only', { get: () => hidden, configurable: true });
    Object.defineProperty(this, Symbol.for('accessor'), { set(to) { hidden = to; }, configurable: true });
  }

  get shared() {
    return 1;
  }

  static get made() {
    return 2;
  }
}
const proxies = [];
const regexps = [];
const symbols = [];
const accessors = [];
for (let i = 0; i < 1000; i++) {
  proxies.push(new Proxy(new UserTarget(i), new UserHandler()), new Proxy(() => i, {}), new Proxy([i, `e${i}`], new UserHandler()));
  const { proxy, revoke } = Proxy.revocable(new UserTarget(i), {});
  if (i % 2) revoke();
  proxies.push(proxy, revoke);
  const named = new RegExp(`(?<year>\\d{${1 + (i % 8)}})-(?<month>${i})`, i % 2 ? 'gi' : 'y');
  named.test(`2000-${i}`);
  if (i % 3 === 0) named.own = new UserTarget(i);
  regexps.push(named, new RegExp(`never${i}`), /literal/g, `2000-${i}`.match(named), [...'aXbX'.matchAll(/X/g)]);
  symbols.push({ [Symbol(`own${i}`)]: new UserTarget(i), [Symbol.for(`shared${i % 50}`)]: i, [Symbol.iterator]: null });
  accessors.push(new UserAccessors());
}
const unicode = /[\u{1f600}-\u{1f64f}]\p{Letter}/u;
unicode.test('\u{1f600}a');
const chained = new Proxy(new Proxy(new Proxy(new UserTarget(0), {}), {}), {});
class UserBehind extends new Proxy(UserTarget, {}) {}
proxies.push(new UserBehind(1));
global.keep = { proxies, regexps, symbols, accessors, unicode, chained, UserBehind };
global.done();
