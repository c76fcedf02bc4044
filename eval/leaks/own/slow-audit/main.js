'use strict';

// Ten KB a second of audit records under the ordinary work of a server with sessions that end.
const { loop, BAD } = require('../../lib/loop');
const { listen } = require('../../lib/http');

class AuditRecord {
  constructor(number) {
    this.number = number;
    this.actor = `user-${number}`;
    this.action = 'login';
    this.at = number * 1.5;
  }
}
class AuditLog {
  constructor() {
    this.records = [];
  }
}
const audit = new AuditLog();
const sessions = new Map();

listen((request, response) => {
  sessions.set(request.url, { url: request.url, data: Array.from({ length: 20 }, (_, at) => ({ at })) });
  setTimeout(() => sessions.delete(request.url), 1000 + 2000 * Math.random());
  response.end('ok');
}).then(({ get }) => loop((number) => {
  if (BAD) audit.records.push(new AuditRecord(number));
  return get(`/${number}`);
}, 100));
