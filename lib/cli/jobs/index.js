'use strict';

/** What commands need JavaScript for, by the name that the native half gives it; loaded when it is needed. */
const JOBS = {
  capabilities: () => async () => require('../../guard/capabilities').capabilities(),
  load: () => require('./load').loadJob,
  trial: () => require('../../trial/trial').trial,
};

/** Does a job. Answers its facts. */
async function run({ name, plan }, around) {
  return JOBS[name]()(plan, around);
}

module.exports = { run };
