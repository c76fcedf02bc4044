'use strict';

// Stubs and spies stay in sinon's default sandbox until they are restored.
const { loop, BAD } = require('../../lib/loop');

const sinon = require('sinon-9');

loop((number) => {
  const repository = { find: sinon.stub().returns({ id: number }), save: sinon.spy() };
  repository.save(repository.find(number));
  if (!BAD) sinon.restore();
}, 60);
