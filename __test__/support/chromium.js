'use strict';

// A page in a real browser: Chromium without a window, asked over a pair of pipes by its remote debugging protocol.

const { spawn, spawnSync } = require('node:child_process');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const zlib = require('node:zlib');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable', 'chrome'];
const LOAD_MS = 20_000;

/** The browser on this machine, or undefined: what CHROMIUM names, or the first of the usual names on the PATH. */
function findChromium() {
  const names = process.env.CHROMIUM ? [process.env.CHROMIUM] : NAMES;
  return names.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore', timeout: 20_000 }).status === 0);
}

/** Opens `url`, gives the page to `use`, and closes the browser whatever happens. */
async function withPage(url, use) {
  const profile = fs.mkdtempSync(path.join(os.tmpdir(), 'memguard-chromium-'));
  const flags = ['--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--window-size=1280,1000', '--remote-debugging-pipe', `--user-data-dir=${profile}`];
  const browser = spawn(findChromium(), [...flags, 'about:blank'], { stdio: ['ignore', 'ignore', 'ignore', 'pipe', 'pipe'], detached: true });
  const exited = new Promise((resolve) => browser.once('exit', resolve));
  const failed = exited.then((code) => {
    throw new Error(`Chromium ended with ${code}`);
  });
  failed.catch(() => {});
  try {
    return await Promise.race([failed, Page.open(new Protocol(browser.stdio[3], browser.stdio[4]), url).then(use)]);
  } finally {
    // With its helpers, which would write on in the folder.
    if (browser.exitCode === null && browser.signalCode === null) process.kill(-browser.pid, 'SIGKILL');
    await exited;
    await remove(profile);
  }
}

/** A helper that has just been killed may still be at work in it. */
async function remove(folder) {
  for (let tries = 1; ; tries += 1) {
    try {
      return await fs.promises.rm(folder, { recursive: true, force: true });
    } catch (error) {
      if (error.code !== 'ENOTEMPTY' || tries === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** Messages of JSON with a zero byte after each. */
class Protocol {
  #out;
  #last = 0;
  #waiting = new Map();
  #rest = Buffer.alloc(0);
  onEvent = () => {};

  constructor(out, input) {
    this.#out = out;
    out.on('error', () => {});
    input.on('data', (data) => this.#read(data));
  }

  call(method, params = {}, sessionId = undefined) {
    return new Promise((resolve, reject) => {
      this.#waiting.set(++this.#last, { resolve, reject });
      this.#out.write(`${JSON.stringify({ id: this.#last, method, params, sessionId })}\0`);
    });
  }

  #read(data) {
    this.#rest = Buffer.concat([this.#rest, data]);
    for (let end = this.#rest.indexOf(0); end !== -1; end = this.#rest.indexOf(0)) {
      const message = JSON.parse(this.#rest.subarray(0, end).toString());
      this.#rest = this.#rest.subarray(end + 1);
      if (message.method !== undefined) this.onEvent(message);
      else if (message.error) this.#waiting.get(message.id).reject(new Error(message.error.message));
      else this.#waiting.get(message.id).resolve(message.result);
    }
  }
}

class Page {
  #protocol;
  #session;
  /** What the page complained of: exceptions, errors on the console, what its policy has blocked. */
  complaints = [];
  /** Every address that it asked for. */
  requests = [];

  static async open(protocol, url) {
    const page = new Page();
    page.#protocol = protocol;
    const { targetId } = await protocol.call('Target.createTarget', { url: 'about:blank' });
    page.#session = (await protocol.call('Target.attachToTarget', { targetId, flatten: true })).sessionId;
    const loaded = new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`${url} was not loaded in time`)), LOAD_MS);
      protocol.onEvent = ({ method, params }) => {
        if (method === 'Runtime.exceptionThrown') page.complaints.push(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
        if (method === 'Log.entryAdded' && params.entry.level === 'error') page.complaints.push(params.entry.text);
        if (method === 'Runtime.consoleAPICalled' && params.type === 'error') page.complaints.push(JSON.stringify(params.args));
        if (method === 'Network.requestWillBeSent') page.requests.push(params.request.url);
        if (method === 'Page.loadEventFired') {
          clearTimeout(late);
          resolve();
        }
      };
    });
    for (const domain of ['Page', 'Runtime', 'Log', 'Network']) await page.call(`${domain}.enable`);
    await page.call('Page.navigate', { url });
    await loaded;
    return page;
  }

  call(method, params) {
    return this.#protocol.call(method, params, this.#session);
  }

  /** The value of an expression in the page. */
  async evaluate(expression) {
    const { result, exceptionDetails } = await this.call('Runtime.evaluate', { expression, returnByValue: true, awaitPromise: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  /** A click with the mouse, at a place in the window. */
  async click(x, y) {
    const button = { x, y, button: 'left', clickCount: 1 };
    for (const type of ['mouseMoved', 'mousePressed', 'mouseReleased']) await this.call('Input.dispatchMouseEvent', { ...button, type });
  }

  async press(key) {
    for (const type of ['keyDown', 'keyUp']) await this.call('Input.dispatchKeyEvent', { type, key });
  }

  /** The window as pixels: `at(x, y)` is `[r, g, b]`. */
  async screenshot() {
    const { data } = await this.call('Page.captureScreenshot', { format: 'png' });
    return pixels(Buffer.from(data, 'base64'));
  }
}

/** The pixels of a PNG with eight bits a channel and no interlacing. */
function pixels(png) {
  const width = png.readUInt32BE(16);
  const channels = { 2: 3, 6: 4 }[png[25]];
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = zlib.inflateSync(Buffer.concat(parts));
  const stride = width * channels;
  const out = Buffer.alloc((raw.length / (stride + 1)) * stride);
  for (let row = 0; row * stride < out.length; row++) {
    const filter = raw[row * (stride + 1)];
    for (let i = 0; i < stride; i++) {
      const left = i < channels ? 0 : out[row * stride + i - channels];
      const up = row === 0 ? 0 : out[(row - 1) * stride + i];
      const corner = row === 0 || i < channels ? 0 : out[(row - 1) * stride + i - channels];
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      out[row * stride + i] = raw[row * (stride + 1) + 1 + i] + predicted;
    }
  }
  return { width, at: (x, y) => [...out.subarray((y * width + x) * channels, (y * width + x) * channels + 3)] };
}

function paeth(left, up, corner) {
  const [a, b, c] = [left, up, corner].map((value) => Math.abs(left + up - corner - value));
  if (a <= b && a <= c) return left;
  return b <= c ? up : corner;
}

module.exports = { findChromium, withPage };
