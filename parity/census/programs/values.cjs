'use strict';

// BigInts, numbers in boxes, dates, Intl, errors with their stacks, URLs, what JSON makes.

class UserFailure extends Error {
  constructor(message, options) {
    super(message, options);
    this.code = { of: message };
  }
}
class UserMoney {
  constructor(i) {
    this.amount = i + 0.25;
    this.units = BigInt(i) << BigInt(i % 600);
  }
}
const money = Array.from({ length: 3000 }, (_, i) => new UserMoney(i));
for (let i = 0; i < money.length; i++) money[i].amount *= 1.5;
const bigints = Array.from({ length: 500 }, (_, i) => [BigInt(i), -(BigInt(i) ** 9n), 1n << BigInt(i * 7)]);
const dates = Array.from({ length: 500 }, (_, i) => new Date(i * 1e9));
for (const date of dates) date.getDay();
const formats = ['de', 'en', 'fr', 'ja'].flatMap((locale) => [
  new Intl.NumberFormat(locale), new Intl.DateTimeFormat(locale), new Intl.Collator(locale), new Intl.PluralRules(locale),
  new Intl.ListFormat(locale), new Intl.RelativeTimeFormat(locale), new Intl.Segmenter(locale), new Intl.Locale(locale),
]);
for (const format of formats) if (format instanceof Intl.NumberFormat) format.format(1.5);
const errors = [];
function deep(n, make) {
  return n === 0 ? make() : deep(n - 1, make);
}
for (let i = 0; i < 300; i++) {
  errors.push(deep(i % 12, () => new UserFailure(`f${i}`, { cause: new TypeError(`c${i}`) })));
  if (i % 2) errors.push(errors.at(-1).stack.length);
  errors.push(new AggregateError([new RangeError('r')], 'many'));
  const captured = {};
  Error.captureStackTrace(captured, deep);
  errors.push(captured);
}
const { prepareStackTrace } = Error;
Error.prepareStackTrace = (error, sites) => sites;
const sites = Array.from({ length: 50 }, () => deep(3, () => new Error('sites')).stack);
Error.prepareStackTrace = prepareStackTrace;
const urls = Array.from({ length: 200 }, (_, i) => new URL(`https://user:pass@example.org:8080/p${i}?q=${i}#h`));
for (const url of urls) url.searchParams.append('more', 'x');
const boxed = [NaN, Infinity, -0, 2 ** 31, 1e300].map((number) => ({ number }));
const weird = [globalThis, Math, JSON, Reflect, Atomics, Intl, WebAssembly, console, process, module, require.cache];
global.keep = { money, bigints, dates, formats, errors, sites, urls, boxed, weird };
global.done();
