import { prelude } from './prelude.ts';

/**
 * Carries out settlements, then leases jobs: one round trip for a busy worker. Either part may be empty.
 *
 * ARGV  1 channel, 2 most jobs to lease, 3 length of a lease in ms, 4 and 5 what is kept of dead letters: ms and count,
 *       6 number of acknowledgements; for each of these: id, token; then for each other settlement: kind (`retry`,
 *       `release`, `release+note`, `dead`), id, token, delay in ms, note
 * Result  1 positions (from 1) of the settlements that came too late: their leases are gone
 *         2 if no job was leased: in how many ms there may be one, by what is known now; -1 for nothing known
 *         3 the token of the first lease; those of the following count up
 *         4 for each leased job in a row: id, attempts, envelope, note
 *         5 1, or 0 where waiting workers should have been told of a job and could not be
 *
 * Keeps: only who holds the lease settles. Leases that have ended and delays that are over come first, as if they had been
 * dealt with at their time; a thousand of each in one call, so that no call holds up the server. What is handed out is
 * counted as an attempt now: a worker that dies need not say so.
 */
export const exchange = `${prelude}
local MOST_AT_ONCE = 1000
local MOST_TRIMMED = 100
local channel, most, leaseMs = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local deadMs, deadCount = tonumber(ARGV[4]), tonumber(ARGV[5])

local refused = {}
-- Whether something became ready that this call may leave to others.
local grew = false
local nextTicket, nextDue

local function forget(letters)
  if #letters == 0 then return end
  redis.call('HDEL', JOBS, unpack(letters))
  redis.call('HDEL', STATES, unpack(letters))
  redis.call('ZREM', DEAD, unpack(letters))
end

-- A hundred of each in one call: more than one call can add.
local function trimDeadLetters()
  local excess = redis.call('ZCARD', DEAD) - deadCount
  if excess > 0 then forget(redis.call('ZRANGE', DEAD, 0, math.min(excess, MOST_TRIMMED) - 1)) end
  forget(redis.call('ZRANGEBYSCORE', DEAD, '-inf', now - deadMs * 1000, 'LIMIT', 0, MOST_TRIMMED))
end

local function acknowledge(count, from)
  local ids, done = {}, {}
  for n = 1, count do ids[n] = ARGV[from + 2 * n - 2] end
  local states = redis.call('HMGET', STATES, unpack(ids))
  for n = 1, count do
    if holds(states[n], ARGV[from + 2 * n - 1]) then
      done[#done + 1] = ids[n]
    else
      refused[#refused + 1] = n
    end
  end
  if #done == 0 then return end
  redis.call('ZREM', ACTIVE, unpack(done))
  redis.call('HDEL', JOBS, unpack(done))
  redis.call('HDEL', STATES, unpack(done))
end

local function giveBack(id, state, kind, delayMs, note)
  local attempts, _, at, sequence, priority = struct.unpack(STATE, state)
  if kind ~= 'retry' then attempts = attempts - 1 end
  if kind == 'release' then note = string.sub(state, STATE_HEAD + 1) end
  -- Only what is handed back at once keeps its place in the order.
  if kind == 'retry' or delayMs > 0 then
    at = now + delayMs * 1000
    sequence = redis.call('INCR', SEQUENCE)
  end
  local ticket = ticketOf(id, at, sequence, priority)
  redis.call('HSET', STATES, id, stateOf(attempts, 0, at, sequence, priority, note))
  if delayMs > 0 then
    redis.call('ZADD', DELAYED, at, ticket)
    if not nextDue or at < nextDue then nextTicket, nextDue = ticket, at end
  else
    redis.call('ZADD', READY, priority, ticket)
    grew = true
  end
  redis.call('ZREM', ACTIVE, id)
end

local function bury(id, state, note)
  local attempts, _, at, sequence, priority = struct.unpack(STATE, state)
  redis.call('HSET', STATES, id, stateOf(attempts, 0, at, sequence, priority, note))
  redis.call('ZADD', DEAD, now, id)
  redis.call('ZREM', ACTIVE, id)
  trimDeadLetters()
end

local function reclaim()
  local ended = redis.call('ZRANGEBYSCORE', ACTIVE, '-inf', now, 'WITHSCORES', 'LIMIT', 0, MOST_AT_ONCE)
  if #ended == 0 then return end
  local ids, states, ready = {}, {}, {}
  for n = 1, #ended, 2 do ids[#ids + 1] = ended[n] end
  local known = redis.call('HMGET', STATES, unpack(ids))
  for n, id in ipairs(ids) do
    local at = tonumber(ended[2 * n])
    local attempts, sequence, priority, note = 0, 0, 0, ''
    local state = known[n]
    if state and #state >= STATE_HEAD then
      local _
      attempts, _, _, sequence, priority = struct.unpack(STATE, state)
      note = string.sub(state, STATE_HEAD + 1)
    end
    states[#states + 1] = id
    states[#states + 1] = stateOf(attempts, 0, at, sequence, priority, note)
    ready[#ready + 1] = priority
    ready[#ready + 1] = ticketOf(id, at, sequence, priority)
  end
  redis.call('HSET', STATES, unpack(states))
  redis.call('ZADD', READY, unpack(ready))
  redis.call('ZREM', ACTIVE, unpack(ids))
  grew = true
end

local function promote()
  local due = redis.call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, MOST_AT_ONCE)
  if #due == 0 then return end
  local ready = {}
  for _, ticket in ipairs(due) do
    ready[#ready + 1] = #ticket > TICKET_HEAD and struct.unpack('>i4', ticket, 15) or 0
    ready[#ready + 1] = ticket
  end
  redis.call('ZADD', READY, unpack(ready))
  redis.call('ZREM', DELAYED, unpack(due))
  grew = true
end

-- What is in \`ready\` and is no job of ours gets an id, so that it can be settled, and keeps its bytes as its envelope.
local function adopt(ticket)
  local id = 'unreadable-' .. redis.sha1hex(ticket)
  redis.call('HSET', JOBS, id, ticket)
  return id
end

-- Returns the first token and the jobs.
local function lease()
  local tickets = redis.call('ZRANGE', READY, 0, most - 1)
  local count = #tickets
  if count == 0 then return 0, {} end
  local ids, jobs, states, leases = {}, {}, {}, {}
  for n, ticket in ipairs(tickets) do ids[n] = string.sub(ticket, TICKET_HEAD + 1) end
  local envelopes = redis.call('HMGET', JOBS, unpack(ids))
  local known = redis.call('HMGET', STATES, unpack(ids))
  local token = redis.call('INCRBY', SEQUENCE, count) - count + 1
  local ends = now + leaseMs * 1000
  for n, ticket in ipairs(tickets) do
    local id, envelope, state = ids[n], envelopes[n], known[n]
    local at, sequence, priority = 0, 0, 0
    if envelope then
      at, sequence, priority = struct.unpack(TICKET, ticket)
    else
      id, envelope, state = adopt(ticket), ticket, false
    end
    local attempts, note = 1, ''
    if state and #state >= STATE_HEAD then
      attempts = struct.unpack('>I4', state) + 1
      note = string.sub(state, STATE_HEAD + 1)
    end
    states[2 * n - 1] = id
    states[2 * n] = stateOf(attempts, token + n - 1, at, sequence, priority, note)
    leases[2 * n - 1] = ends
    leases[2 * n] = id
    jobs[4 * n - 3] = id
    jobs[4 * n - 2] = attempts
    jobs[4 * n - 1] = envelope
    jobs[4 * n] = note
  end
  redis.call('HSET', STATES, unpack(states))
  redis.call('ZADD', ACTIVE, unpack(leases))
  redis.call('ZREMRANGEBYRANK', READY, 0, count - 1)
  return token, jobs
end

local function msUntilNext()
  local delayed = redis.call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
  local active = redis.call('ZRANGE', ACTIVE, 0, 0, 'WITHSCORES')
  local at = math.min(tonumber(delayed[2]) or math.huge, tonumber(active[2]) or math.huge)
  return at == math.huge and -1 or math.max(0, math.ceil((at - now) / 1000))
end

local acknowledgements = tonumber(ARGV[6])
local at = 7
if acknowledgements > 0 then acknowledge(acknowledgements, at) end
at = at + 2 * acknowledgements
local position = acknowledgements
while at < #ARGV do
  local kind, id, token, delayMs, note = ARGV[at], ARGV[at + 1], ARGV[at + 2], tonumber(ARGV[at + 3]), ARGV[at + 4]
  local state = redis.call('HGET', STATES, id)
  position = position + 1
  if not holds(state, token) then
    refused[#refused + 1] = position
  elseif kind == 'dead' then
    bury(id, state, note)
  else
    giveBack(id, state, kind, delayMs, note)
  end
  at = at + 5
end

local wait, token, jobs = -1, 0, {}
if most > 0 then
  reclaim()
  promote()
  token, jobs = lease()
  if #jobs == 0 then
    wait = msUntilNext()
    trimDeadLetters()
  end
end

local told = wakeIfNext(channel, nextTicket, nextDue)
if grew and redis.call('ZCARD', READY) > 0 then told = wake(channel, 0) and told end
return { refused, wait, token, jobs, told and 1 or 0 }
`;
