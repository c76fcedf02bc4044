'use strict';

// Frames of a sensor are kept for a chart that is never drawn.
const { loop, churn, BAD } = require('../../lib/loop');

class Recorder {
  constructor() {
    this.frames = [];
  }
}
const recorder = new Recorder();

loop((number) => {
  churn(number);
  if (number % 20) return;
  recorder.frames.push(new Float64Array(4096).fill(number));
  if (!BAD) recorder.frames.splice(0, recorder.frames.length - 20);
}, 400);
