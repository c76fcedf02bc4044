'use strict';

// Callbacks of work that is done stay in a list, each with the document around it.
const { loop, churn, BAD } = require('../../lib/loop');

const undo = [];

function edit(number) {
  const document = { number, lines: Array.from({ length: 40 }, (_, at) => `line ${at} of ${number}`) };
  undo.push(() => document.lines.pop());
  if (!BAD) undo.splice(0, undo.length - 50);
}

loop((number) => {
  churn(number);
  if (number % 5 === 0) edit(number);
}, 400);
