'use strict';

// The addon with the exports that panic on purpose (cargo feature `test-hooks`), for child processes only:
// should one of them end its host, the test sees an exit code in place of ending itself.

const fs = require('fs');
const paths = require('../../scripts/lib/paths');

/** Where the tests run under another C library than the build, it is elsewhere. */
const hooksAddon = process.env.TEST_HOOKS_ADDON ?? paths.hooksAddon;

/** The environment in which `require('memguard')` and native.js load the test-hooks addon. */
function hooksEnvironment(environment = process.env) {
  if (!fs.existsSync(hooksAddon)) {
    throw new Error(`${hooksAddon} is missing: run node scripts/setup.js --test-hooks`);
  }
  return { ...environment, NAPI_RS_NATIVE_LIBRARY_PATH: hooksAddon };
}

module.exports = { hooksEnvironment };
