'use strict';

// Each tenant's history is bounded; the tenants are not.
const { loop, churn, BAD } = require('../../lib/loop');

class Tenant {
  constructor(name) {
    this.name = name;
    this.history = [];
  }

  note(what) {
    this.history.push(what);
    if (this.history.length > 20) this.history.shift();
  }
}
const tenants = new Map();

loop((number) => {
  churn(number);
  const name = `trial-${BAD ? number >> 2 : number % 100}`;
  let tenant = tenants.get(name);
  if (!tenant) tenants.set(name, (tenant = new Tenant(name)));
  tenant.note({ number, what: `visit ${number}` });
}, 350);
