import { prelude, wake } from './prelude.ts';

/**
 * Stores jobs, each id at most once in a call; ids that are stored already are left as they are.
 *
 * ARGV  1 channel; then for each job: id, priority, delay in ms, and what follows in its envelope
 * Result  1, or 0 where the jobs are stored but waiting workers could not be told
 *
 * Keeps: an id is one job, however often and by however many it is added. Jobs of one call stand in the order of the call.
 */
export const enqueue = `${prelude}
-- Counted by hand: asking a table for its length is a search.
local count = (#ARGV - 1) / 4
local ids = {}
for n = 1, count do ids[n] = ARGV[4 * n - 2] end
local known = call('HMGET', JOBS, unpack(ids))
local sequence = call('INCRBY', SEQUENCE, count) - count

local addedAt = string.format('1 %.0f ', math.floor(now / 1000))
local jobs, ready, delayed = {}, {}, {}
local jobsEnd, readyEnd, delayedEnd = 0, 0, 0
local nextTicket, nextDue
for n = 1, count do
  if not known[n] then
    local id, priority, delayMs = ids[n], ARGV[4 * n - 1], ARGV[4 * n]
    jobs[jobsEnd + 1] = id
    jobs[jobsEnd + 2] = addedAt .. priority .. ARGV[4 * n + 1]
    jobsEnd = jobsEnd + 2
    if delayMs == '0' then
      ready[readyEnd + 1] = priority
      ready[readyEnd + 2] = pack(TICKET, now, sequence + n, priority) .. id
      readyEnd = readyEnd + 2
    else
      local due = now + delayMs * 1000
      local ticket = pack(TICKET, due, sequence + n, priority) .. id
      delayed[delayedEnd + 1] = due
      delayed[delayedEnd + 2] = ticket
      delayedEnd = delayedEnd + 2
      if not nextDue or due < nextDue then nextTicket, nextDue = ticket, due end
    end
  end
end

local wakeInMs
if jobsEnd > 0 then call('HSET', JOBS, unpack(jobs)) end
if delayedEnd > 0 then
  call('ZADD', DELAYED, unpack(delayed))
  if call('ZRANGE', DELAYED, 0, 0)[1] == nextTicket then wakeInMs = math.ceil((nextDue - now) / 1000) end
end
if readyEnd > 0 then
  call('ZADD', READY, unpack(ready))
  -- Where jobs were ready before, nobody waits: whoever had room was told then.
  if call('ZCARD', READY) == readyEnd / 2 then wakeInMs = 0 end
end
if not wakeInMs then return 1 end
${wake}
return wake(ARGV[1], wakeInMs) and 1 or 0
`;
