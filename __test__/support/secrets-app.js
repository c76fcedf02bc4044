'use strict';

// An app that has learned secrets in every way an app can, and then writes a snapshot: node secrets-app.js FILE,
// secrets as JSON on stdin.

const fs = require('node:fs');
const v8 = require('node:v8');

const secrets = JSON.parse(fs.readFileSync(0, 'utf8'));

class PatientRecord {
  constructor() {
    this.password = `${secrets.string}`;
    this.phone = Number(secrets.number);
    this.byKey = { [secrets.key]: { visits: ['x'] }, 4: 'y' };
    this.byMail = { [secrets.mail]: this.phone };
    this.map = new Map([[secrets.mapKey, { value: secrets.mapValue }]]);
    this.set = new Set([secrets.setEntry]);
    this.weak = new WeakMap([[this.map, secrets.weakValue]]);
    this.buffer = Buffer.from(secrets.buffer, 'hex');
    this.pattern = new RegExp(`^${secrets.pattern}$`);
    this.link = new URL(`https://${secrets.user}:x@example.com/login?token=${secrets.token}`);
    this.joined = `${secrets.long.slice(0, 30)}${secrets.long.slice(30)}`;
    this.parts = secrets.parts.split(',');
    this.error = new Error(secrets.message);
    this.symbol = Symbol(secrets.symbol);
    this.check = closureOver(secrets.closure);
    this.bound = this.check.bind(null, secrets.bound);
  }
}

function closureOver(hiddenInClosure) {
  return function verifyPatient(text) {
    return text === hiddenInClosure;
  };
}

async function main() {
  globalThis.records = [new PatientRecord()];
  // Names of scripts: one with a query, one that is its own source.
  await import(`data:text/javascript,globalThis.${secrets.script}=1`);
  fs.writeFileSync('module.mjs', 'export const loaded = () => 1;');
  globalThis.loaded = await import(`${require('node:url').pathToFileURL('module.mjs')}?key=${secrets.query}`);
  v8.writeHeapSnapshot(process.argv[2]);
}

main();
