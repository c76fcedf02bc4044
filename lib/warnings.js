'use strict';

/** A line on stderr through Node's own channel for warnings, where apps can filter it by code. */
function warn(message, code) {
  process.emitWarning(message, { type: 'MemguardWarning', code });
}

module.exports = { warn };
