'use strict';

const { invalidType } = require('../errors');

/**
 * The caches of this thread, known weakly: being listed keeps no cache alive. What is registered is any object with
 *
 *     name       string or null
 *     priority   number; caches with a lower one are asked to give memory first
 *     stats()    what the report shows
 *     shrink(level)  goes to the level and answers { entries, bytes } given up; bytes null when unknown
 *
 * and the owner, whose life decides how long it is listed.
 */

const LEVELS = ['calm', 'warn', 'critical'];

const members = new Set();
const gone = new FinalizationRegistry((reference) => members.delete(reference));
let current = 'calm';

/** @param {object} owner the public cache object */
function register(owner, member) {
  // The member is reached through its owner alone, so a weak reference to it lives as long.
  const reference = new WeakRef(member);
  members.add(reference);
  gone.register(owner, reference);
  // A cache that is made while memory is tight starts small.
  if (current !== 'calm') member.shrink(current);
}

function live() {
  const found = [];
  for (const reference of members) {
    const member = reference.deref();
    if (member !== undefined) found.push(member);
  }
  return found;
}

/** What each cache of this thread holds and does, largest first where bytes are known. */
function caches() {
  return live()
    .map((member) => member.stats())
    .sort((a, b) => (b.bytes || 0) - (a.bytes || 0) || b.size - a.size);
}

/**
 * Says how tight memory is. Caches shrink to a share of what they hold (`warn` to a half, `critical` to a tenth,
 * unless they have their own shares) and stay bounded by it until the level falls; at `calm` they may grow back to
 * their own bounds. Saying the same level again changes nothing.
 *
 * @param {'calm' | 'warn' | 'critical'} level
 * @returns {{ level: string, previous: string, caches: Array<{ name: string | null, entries: number, bytes: number | null }> }}
 *   what each cache that gave something up has given; large caches give in slices, on later turns of the event loop
 */
function applyPressure(level) {
  if (!LEVELS.includes(level)) throw invalidType('level', level, "'calm', 'warn' or 'critical'");
  const previous = current;
  current = level;
  const given = [];
  if (level !== previous) {
    for (const member of live().sort((a, b) => a.priority - b.priority)) {
      const { entries, bytes } = member.shrink(level);
      if (entries > 0) given.push({ name: member.name, entries, bytes });
    }
  }
  return { level, previous, caches: given };
}

module.exports = { LEVELS, applyPressure, caches, register };
