'use strict';

// A job that reads larger and larger files, puts its rows together, and lets go of all of them at the end of each.
const { loop, churn } = require('../../lib/loop');

let rows = [];
let files = 0;

setInterval(() => {
  rows = [];
  files++;
}, 7000);

loop((number) => {
  churn(number);
  for (let at = 0; at <= files; at++) rows.push({ number, at, text: `row ${number}` });
}, 300);
