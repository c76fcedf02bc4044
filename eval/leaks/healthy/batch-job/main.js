'use strict';

// A report of 40 MB every ten seconds, dropped after three.
const { loop } = require('../../lib/loop');
const { listen } = require('../../lib/http');

const users = Array.from({ length: 5000 }, (_, number) => ({ number, name: `n${number}` }));
let report = null;

setInterval(() => {
  report = users.flatMap((user) => Array.from({ length: 40 }, (_, day) => ({ user: user.number, day, cell: `${user.name}:${day}` })));
  setTimeout(() => { report = null; }, 3000);
}, 10_000);

listen((request, response) => response.end(String(report ? report.length : 0))).then(({ get }) => loop((number) => get(`/${number}`), 100));
