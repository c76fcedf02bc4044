'use strict';

// Typed arrays of all kinds, shared, resizable, detached ones, Buffer slices, the pool.

class UserView extends Float32Array {}
class UserPacket {
  constructor(i) {
    this.body = Buffer.from(`packet ${i}`);
    this.head = this.body.subarray(0, 4);
  }
}
const kinds = [Int8Array, Uint8Array, Uint8ClampedArray, Int16Array, Uint16Array, Int32Array, Uint32Array, Float32Array, Float64Array, BigInt64Array, BigUint64Array];
const arrays = [];
for (let i = 0; i < 600; i++) {
  const Kind = kinds[i % kinds.length];
  arrays.push(new Kind(i % 20), new Kind(300), new Kind([]), new Kind(new ArrayBuffer(64), 8, 2), new UserView(i));
}
const packets = Array.from({ length: 1500 }, (_, i) => new UserPacket(i));
const shared = [new SharedArrayBuffer(1 << 16), new SharedArrayBuffer(0)];
shared.push(new Int32Array(shared[0]), new Uint8Array(shared[0], 100, 50), new DataView(shared[0], 4));
const large = [Buffer.alloc(3 << 20, 1), Buffer.allocUnsafe(1 << 20), Buffer.allocUnsafeSlow(100), new ArrayBuffer(5 << 20)];
const slices = [];
for (let i = 0; i < 500; i++) slices.push(large[0].subarray(i * 10, i * 20), Buffer.from(large[3], i, 8));
const moved = new ArrayBuffer(1 << 12);
structuredClone(moved, { transfer: [moved] });
const resizable = [];
if ('resize' in ArrayBuffer.prototype) {
  const grown = new ArrayBuffer(100, { maxByteLength: 10000 });
  const tracking = new Uint8Array(grown);
  const fixed = new Uint16Array(grown, 2, 10);
  grown.resize(5000);
  resizable.push(grown, tracking, fixed, new DataView(grown));
  const growable = new SharedArrayBuffer(10, { maxByteLength: 1 << 16 });
  growable.grow(1 << 10);
  resizable.push(growable, new Uint8Array(growable));
}
const custom = new Uint8Array(4);
custom.note = { own: new UserPacket(-1) };
const text = [new TextEncoder().encode('x'.repeat(500)), Buffer.from('é'.repeat(300)), Buffer.concat([packets[0].body, packets[1].body])];
global.keep = { arrays, packets, shared, large, slices, moved, resizable, custom, text };
global.done();
