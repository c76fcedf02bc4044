'use strict';

// A function compiled for each request, kept "so that it need not be compiled again".

const { leakRate, run, meter } = require('../lib/program');

const compiled = [];
const due = meter();
run((seconds) => {
  for (let n = due(leakRate / 1300, seconds); n > 0; n--) {
    const id = compiled.length;
    const validate = new Function('value', `const limit${id} = ${id}; return value > limit${id} && value < ${id + 10};`);
    validate(id);
    compiled.push(validate);
  }
});
