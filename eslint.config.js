'use strict';

const js = require('@eslint/js');
const globals = require('globals');

module.exports = [
  { ignores: ['native.js', 'target/', '.cache/', '**/node_modules/'] },
  js.configs.recommended,
  {
    // Scripts of the HTML report.
    files: ['crates/cli/src/render/html/*.js'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'script', globals: globals.browser },
    rules: { strict: ['error', 'global'], 'no-unused-vars': ['error', { vars: 'local' }] },
  },
  {
    files: ['**/*.js', '**/*.cjs'],
    ignores: ['crates/cli/src/render/html/**'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'commonjs', globals: globals.node },
    rules: { strict: ['error', 'global'] },
  },
  {
    files: ['**/*.mjs'],
    languageOptions: { ecmaVersion: 2022, sourceType: 'module', globals: globals.nodeBuiltin },
  },
];
