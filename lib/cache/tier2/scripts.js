'use strict';

/**
 * What has to happen as a whole, in Lua. Each script touches one key. Deletions and invalidations get through to a
 * server that is full, too: what would need room gives way.
 *
 * The state of a namespace is a hash: `epoch`, the number that all valid values carry, and `run`, the life of the
 * server (its run_id) in which the epoch was made.
 */

const FAILED = `local function failed(reply) return type(reply) == 'table' and reply.err ~= nil end
`;

/** KEYS value; ARGV bytes, ttl in ms or 0, channel, message. Says nothing to others when the value was the same. */
const SET = `
if redis.pcall('GET', KEYS[1]) == ARGV[1] then
  if ARGV[2] == '0' then redis.call('PERSIST', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
  return 0
end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1`;

/** KEYS value; ARGV bytes, ttl in ms or 0, SHA-1 of the bytes that are to be replaced. */
const FILL = `
local old = redis.pcall('GET', KEYS[1])
if type(old) ~= 'string' or redis.sha1hex(old) ~= ARGV[3] then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1`;

/** As FILL, with '' for nothing to replace; and ARGV channel, message for others if the value is another one. */
const REFRESH = `
local old = redis.pcall('GET', KEYS[1])
local seen = ''
if type(old) == 'string' then seen = redis.sha1hex(old) elseif old then return 0 end
if seen ~= ARGV[3] then return 0 end
if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
if old ~= ARGV[1] then redis.call('PUBLISH', ARGV[4], ARGV[5]) end
return 1`;

/** KEYS value; ARGV gravestone, for how many ms, channel, message. */
const REMOVE = `${FAILED}
if failed(redis.pcall('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])) then redis.call('UNLINK', KEYS[1]) end
redis.call('PUBLISH', ARGV[3], ARGV[4])
return 1`;

/** KEYS state; ARGV the least epoch, channel, start of the message. Answers the new epoch. */
const CLEAR = `${FAILED}
local old = tonumber(redis.call('HGET', KEYS[1], 'epoch')) or 0
local epoch = string.format('%.0f', math.max(old + 1, tonumber(ARGV[1])))
if failed(redis.pcall('HSET', KEYS[1], 'epoch', epoch)) then redis.call('DEL', KEYS[1]) end
redis.call('PUBLISH', ARGV[2], ARGV[3] .. epoch)
return epoch`;

/**
 * KEYS state; ARGV run or '', the epoch that the caller knows or 0, the least new epoch, channel, start of the message.
 * Answers the epoch in force: a new one, and everybody is told, when the server has another life or has lost its state.
 */
const SYNC = `${FAILED}
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch')) or 0
local known = tonumber(ARGV[2])
local run = redis.call('HGET', KEYS[1], 'run')
local restarted = epoch > 0 and ARGV[1] ~= '' and run and run ~= ARGV[1]
if epoch > 0 and epoch >= known and not restarted then
  if ARGV[1] ~= '' and not run then redis.pcall('HSET', KEYS[1], 'run', ARGV[1]) end
  return string.format('%.0f', epoch)
end
local raised = string.format('%.0f', math.max(epoch + 1, known + 1, tonumber(ARGV[3])))
local entry = { 'HSET', KEYS[1], 'epoch', raised }
if ARGV[1] ~= '' then entry[5] = 'run' entry[6] = ARGV[1] end
if failed(redis.pcall(unpack(entry))) then
  if epoch == 0 then
    if known > 0 then return ARGV[2] end
    return raised
  end
  redis.call('DEL', KEYS[1])
end
redis.call('PUBLISH', ARGV[4], ARGV[5] .. raised)
return raised`;

module.exports = { CLEAR, FILL, REFRESH, REMOVE, SET, SYNC };
