'use strict';

const { invalidType, invalidValue, unknownOption } = require('../errors');
const { boolean, integer, text } = require('../options/types');

const DEFAULTS = { graph: false, retainers: null, classes: 500, track: false, force: false };
const CLASSES = integer(1, 100_000);
/** What names objects whose retainers are asked for. */
const RETAINED = ['class', 'name', 'filter'];

/** Checks the options of a census. */
function parseOptions(options = {}) {
  if (options === null || typeof options !== 'object' || Array.isArray(options)) throw invalidType('options', options, 'an object of options');
  const unknown = Object.keys(options).find((name) => !Object.hasOwn(DEFAULTS, name));
  if (unknown !== undefined) throw unknownOption(unknown, options[unknown], Object.keys(DEFAULTS));
  const { graph = DEFAULTS.graph, retainers = DEFAULTS.retainers, classes = DEFAULTS.classes, track = DEFAULTS.track, force = DEFAULTS.force } = options;
  const parsed = {
    graph: boolean.parse('graph', graph),
    retainers: retainers === null ? null : parseRetained(retainers),
    classes: CLASSES.parse('classes', classes),
    track: boolean.parse('track', track),
    force: boolean.parse('force', force),
  };
  if (parsed.retainers !== null && options.graph === false) throw invalidValue('graph', false, 'true: retainers need the graph');
  parsed.graph ||= parsed.retainers !== null;
  return parsed;
}

/** A class, or one of `{ class }`, `{ name }`, `{ filter }`. */
function parseRetained(retainers) {
  const expected = "a class's name, or { class }, { name } or { filter }";
  if (typeof retainers === 'string') return { class: text.parse('retainers', retainers) };
  if (typeof retainers !== 'object' || Array.isArray(retainers)) throw invalidType('retainers', retainers, expected);
  const [kind, ...others] = Object.keys(retainers);
  if (!RETAINED.includes(kind) || others.length > 0) throw invalidValue('retainers', retainers, expected);
  return { [kind]: text.parse(`retainers.${kind}`, retainers[kind]) };
}

module.exports = { parseOptions };
