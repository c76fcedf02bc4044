// The heap of a page: Chromium without a window, asked over a pair of pipes by its remote debugging protocol.

import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';

/** Pages by name. Each sets `window.ready` when all is there. */
export const pages = {
  /** Elements in and out of the document, listeners, frames, shadow roots. */
  'a page': `<!doctype html><title>page</title><body>
<div id="list" class="a b"></div><iframe srcdoc="<p id=inner>text</p>"></iframe><canvas></canvas>
<script>
  class Item { constructor(n) { this.n = 'item ' + n; this.element = document.createElement('div'); this.element.className = 'row ' + n; } }
  window.kept = []; window.detached = []; window.weak = new WeakMap();
  for (let n = 0; n < 300; n++) {
    const item = new Item(n);
    item.element.innerHTML = '<span title="t' + n + '">' + n + '</span><b></b>';
    item.element.addEventListener('click', () => item.n);
    (n % 3 ? document.getElementById('list') : { append(e) { window.detached.push(e); } }).append(item.element);
    if (n % 7 === 0) item.element.attachShadow({ mode: 'open' }).append(document.createElement('slot'));
    window.weak.set(item, item.element);
    window.kept.push(item, document.createTextNode('text ' + n), new Request('http://a.example/'), new AbortController());
  }
  document.getElementById('list').innerHTML += '<p>again</p>';
  window.ready = true;
</script>`,
  /** An application that changed its view many times and leaked what it showed, with frames that are gone. */
  'an application': `<!doctype html><title>application</title><body><main></main>
<script>
  customElements.define('x-row', class extends HTMLElement {
    connectedCallback() { this.observer = new MutationObserver(() => this.title); this.observer.observe(this, { childList: true }); }
  });
  class View {
    constructor(n) {
      this.n = n;
      this.root = document.createElement('section');
      for (let row = 0; row < 20; row++) {
        const element = document.createElement('x-row');
        element.append('view ' + n + ' row ' + row, Object.assign(document.createElement('input'), { value: n }));
        element.onclick = () => this.root.remove();
        this.root.append(element);
      }
    }
    show() { document.querySelector('main').replaceChildren(this.root); addEventListener('resize', () => this.n); return this; }
  }
  window.history_ = []; window.cache = new Map(); window.weak = new WeakMap();
  for (let n = 0; n < 40; n++) {
    const view = new View(n).show();
    if (n % 2) window.history_.push(view);
    window.cache.set('view ' + n, view.root.querySelector('x-row'));
    window.weak.set(view.root, view);
  }
  for (let n = 0; n < 5; n++) {
    const frame = document.body.appendChild(document.createElement('iframe'));
    window.history_.push(frame.contentWindow.Array.of({ n }), frame.contentDocument.body);
    if (n % 2) frame.remove();
  }
  window.history_.push(new Range(), document.createTreeWalker(document.body), new Blob(['x'.repeat(1e5)]), new ImageData(64, 64));
  window.ready = true;
</script>`,
};

/** Opens a page in the browser at `executable` and writes its heap snapshot. */
export async function takePage(executable, page, file) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-chromium-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-pipe', `--user-data-dir=${profile}`];
  const browser = spawn(executable, [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'] });
  const exited = new Promise((resolve) => browser.once('exit', resolve));
  const failed = new Promise((resolve, reject) => {
    browser.once('error', reject);
    browser.once('exit', (code) => reject(new Error(`Chromium ended with ${code}`)));
  });
  failed.catch(() => {});
  try {
    await Promise.race([failed, record(new Protocol(browser), page, file)]);
    return file;
  } finally {
    browser.kill();
    await exited;
    fs.rmSync(profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

async function record(browser, page, file) {
  const { targetId } = await browser.call('Target.createTarget', { url: `data:text/html,${encodeURIComponent(page)}` });
  const { sessionId } = await browser.call('Target.attachToTarget', { targetId, flatten: true });
  const call = (method, params) => browser.call(method, params, sessionId);
  await loaded(call);
  const out = fs.createWriteStream(file);
  browser.on('HeapProfiler.addHeapSnapshotChunk', ({ chunk }) => out.write(chunk));
  await call('HeapProfiler.enable');
  await call('HeapProfiler.collectGarbage');
  await call('HeapProfiler.takeHeapSnapshot', { reportProgress: false });
  await new Promise((resolve) => out.end(resolve));
}

/** Waits for the page's own script: until then there may be no page to ask. */
async function loaded(call) {
  for (let tries = 0; tries < 100; tries++) {
    const answer = await call('Runtime.evaluate', { expression: 'window.ready && document.readyState' }).catch(() => {});
    if (answer?.result.value === 'complete') return;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error('the page was not loaded within ten seconds');
}

/** Messages of JSON with a zero byte after each. */
class Protocol {
  #write;
  #last = 0;
  #waiting = new Map();
  #listeners = new Map();
  #parts = [];

  constructor({ stdio }) {
    this.#write = stdio[3];
    this.#write.on('error', () => {});
    stdio[4].on('data', (data) => this.#read(data));
  }

  on(method, listener) {
    this.#listeners.set(method, listener);
  }

  call(method, params = {}, sessionId = undefined) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#last, { resolve, reject });
      this.#write.write(`${JSON.stringify({ id: this.#last, method, params, sessionId })}\0`);
    });
  }

  #read(data) {
    for (let end = data.indexOf(0); end !== -1; end = data.indexOf(0)) {
      this.#parts.push(data.subarray(0, end));
      this.#take(JSON.parse(Buffer.concat(this.#parts).toString()));
      this.#parts = [];
      data = data.subarray(end + 1);
    }
    this.#parts.push(data);
  }

  #take({ id, method, params, result, error }) {
    if (method) this.#listeners.get(method)?.(params);
    else if (error) this.#waiting.get(id)?.reject(new Error(error.message));
    else this.#waiting.get(id)?.resolve(result);
  }
}
