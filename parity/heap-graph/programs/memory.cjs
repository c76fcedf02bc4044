'use strict';

// Large arrays, buffers, and strings of every kind.

const v8 = require('v8');
const zlib = require('zlib');

const [prefix, scale] = [process.argv[2], Number(process.argv[3])];
const kept = (globalThis.kept = { arrays: [], buffers: [], strings: [], numbers: [] });

const long = 'abcdefghij'.repeat(400);
const sparse = [];
sparse[100_000] = kept;
// From 2^31 on V8 14 writes indices as negative numbers.
for (const index of [2 ** 31 - 1, 2 ** 31, 3e9, 2 ** 32 - 2]) sparse[index] = { index: `at ${index}` };
kept.arrays.push(sparse, new Array(5000).fill(kept), Array.from({ length: 3000 }, (_, n) => n * 1.5));
for (let n = 0; n < 500 * scale; n++) {
  const elements = [kept, `text ${n}`];
  kept.arrays.push(elements, elements.slice());
  kept.buffers.push(Buffer.from(`pooled ${n}`), Buffer.alloc(n * 5 + 1), new Float64Array(n % 50));
  kept.buffers.push(new DataView(kept.buffers.at(-1).buffer), new SharedArrayBuffer(n % 99));
  // Concatenated, sliced, flattened, external, two bytes a character.
  kept.strings.push(long + n, long.slice(n % 100, n % 100 + 50 + (n % 40)), `ü${n}😀`, Buffer.alloc(200, n % 26 + 97).toString('latin1'));
  kept.strings.push(`part ${n} ` + kept.strings[n % 7] + ' end', `line ${n}\n"quoted" \\ \u2028 \u0007`);
  kept.numbers.push(n + 0.5, BigInt(n) ** 9n, Symbol(`symbol ${n}`), { x: n + 0.25 });
}
String(kept.strings[4]).charCodeAt(3);
kept.streams = [zlib.createGzip(), zlib.createInflate(), new TextEncoder(), new TextDecoder(), new URL('http://a.example/?b=c')];
kept.wasm = new WebAssembly.Module(Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0));
kept.memory = new WebAssembly.Memory({ initial: 1 });
kept.instance = new WebAssembly.Instance(kept.wasm);
global.gc();
v8.writeHeapSnapshot(`${prefix}.heapsnapshot`);
