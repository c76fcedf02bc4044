// ES modules: namespaces, live bindings, cycles, dynamic import, top-level await, data: URLs, and CommonJS beside them.

import * as fs from 'node:fs';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import * as self from './esm.mjs';

export class UserExported {
  constructor(i) {
    this.i = i;
  }
}
export const live = [];
export let counter = 0;
export default function made() {
  return new UserExported(counter++);
}
const source = (i) => `
  export class UserOfModule { constructor() { this.i = ${i}; } }
  export const kept = Array.from({ length: 20 }, () => new UserOfModule());
  let hidden = { kept };
  export const read = () => hidden;
  export default { i: ${i} };
  export { kept as renamed };`;
const modules = [];
for (let i = 0; i < 40; i++) modules.push(await import(`data:text/javascript,${encodeURIComponent(source(i))}`));
const chained = await import(`data:text/javascript,${encodeURIComponent(`
  export * from 'data:text/javascript,${encodeURIComponent('export const inner = { deep: [1] }; export let late;')}';
  import * as os from 'node:os';
  export { os };
  export const waited = await Promise.resolve({ top: 'level' });`)}`);
const require = createRequire(import.meta.url);
const common = [require('node:path'), require('node:util'), require('node:url')];
for (let i = 0; i < 500; i++) live.push(made());
await sleep(1);
const failed = await import('data:text/javascript,throw new Error("module")').catch((error) => error);
globalThis.keep = { modules, chained, common, live, self, failed, meta: import.meta, fs };
globalThis.done();
