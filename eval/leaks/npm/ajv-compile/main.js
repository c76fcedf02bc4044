'use strict';

// A schema object is built for each request and compiled by one validator: ajv 8 keys its cache by the object.
const { loop, BAD } = require('../../lib/loop');

const Ajv = BAD ? require('ajv-8').default : require('ajv-6');

const ajv = new Ajv({ allErrors: true });
const schema = () => ({
  type: 'object',
  required: ['name', 'age'],
  additionalProperties: false,
  properties: { name: { type: 'string', minLength: 1 }, age: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
});

loop((number) => {
  const validate = ajv.compile(schema());
  if (!validate({ name: `n${number}`, age: number, tags: ['a'] })) throw new Error('it is valid');
}, 60);
