import { prelude } from './prelude.ts';

/**
 * Stores jobs; ids that are stored already are left as they are.
 *
 * ARGV  1 channel; then for each job: id, priority, delay in ms, and what follows in its envelope
 * Result  1, or 0 where the jobs are stored but waiting workers could not be told
 *
 * Keeps: an id is one job, however often and by however many it is added. Jobs of one call stand in the order of the call.
 */
export const enqueue = `${prelude}
local channel = ARGV[1]

local ids = {}
for at = 2, #ARGV, 4 do ids[#ids + 1] = ARGV[at] end
local known = redis.call('HMGET', JOBS, unpack(ids))
local sequence = redis.call('INCRBY', SEQUENCE, #ids) - #ids

local addedAt = string.format('1 %.0f ', math.floor(now / 1000))
local jobs, ready, delayed = {}, {}, {}
local seen = {}
local nextTicket, nextDue
for n, id in ipairs(ids) do
  if not known[n] and not seen[id] then
    seen[id] = true
    local at = 4 * n - 2
    local priority, delayMs = ARGV[at + 1], tonumber(ARGV[at + 2])
    jobs[#jobs + 1] = id
    jobs[#jobs + 1] = addedAt .. priority .. ARGV[at + 3]
    local due = now + delayMs * 1000
    local ticket = ticketOf(id, due, sequence + n, tonumber(priority))
    if delayMs <= 0 then
      ready[#ready + 1] = priority
      ready[#ready + 1] = ticket
    else
      delayed[#delayed + 1] = due
      delayed[#delayed + 1] = ticket
      if not nextDue or due < nextDue then nextTicket, nextDue = ticket, due end
    end
  end
end

local told = true
if #jobs > 0 then redis.call('HSET', JOBS, unpack(jobs)) end
if #delayed > 0 then
  redis.call('ZADD', DELAYED, unpack(delayed))
  told = wakeIfNext(channel, nextTicket, nextDue)
end
if #ready > 0 then
  redis.call('ZADD', READY, unpack(ready))
  -- Where jobs were ready before, nobody waits: whoever had room was told then.
  if redis.call('ZCARD', READY) == #ready / 2 then told = wake(channel, 0) end
end
return told and 1 or 0
`;
