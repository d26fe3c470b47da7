import { prelude, wake } from './prelude.ts';

/**
 * Carries out settlements, then leases jobs: one round trip for a busy worker. Either part may be empty.
 *
 * ARGV  1 channel, 2 most jobs to lease, 3 length of a lease in ms, 4 and 5 what is kept of dead letters: ms and count,
 *       6 number of acknowledgements; for each of these: id, token; then for each other settlement: kind (`retry`,
 *       `release`, `release+note`, `dead`), id, token, delay in ms, note
 * Result  1 the token of the first lease; those of the following count up
 *         2 if no job was leased: in how many ms there may be one, by what is known now; -1 for nothing known
 *         3 1, or 0 where waiting workers should have been told of a job and could not be
 *         4 number of settlements that came too late, their leases being gone; then the position (from 1) of each
 *         then for each leased job: id, attempts, envelope, note
 *
 * Keeps: only who holds the lease settles. Leases that have ended and delays that are over come first, as if they had been
 * dealt with at their time; a thousand of each in one call, so that no call holds up the server. What is handed out is
 * counted as an attempt now: a worker that dies need not say so.
 */
export const exchange = `${prelude}
local MOST_AT_ONCE = 1000
local most, acknowledgements = tonumber(ARGV[2]), tonumber(ARGV[6])

-- What this call answers, and how far that is written.
local reply, last = { 0, -1, 1, 0 }, 4
local refused = 0
-- Whether something became ready that this call may leave to others, and the first of what it delays.
local grew, nextTicket, nextDue = false, nil, nil

if acknowledgements > 0 then
  local fields = {}
  for n = 1, acknowledgements do fields[n] = '@' .. ARGV[5 + 2 * n] end
  local states = call('HMGET', JOBS, unpack(fields))
  local done, gone, count = {}, {}, 0
  for n = 1, acknowledgements do
    local state = states[n]
    if state and #state >= STATE_HEAD and numbers('>I7', state, 5) == tonumber(ARGV[6 + 2 * n]) then
      count = count + 1
      done[count] = ARGV[5 + 2 * n]
      gone[2 * count - 1], gone[2 * count] = done[count], fields[n]
    else
      refused = refused + 1
      reply[4 + refused] = n
    end
  end
  if count > 0 then
    call('ZREM', ACTIVE, unpack(done))
    call('HDEL', JOBS, unpack(gone))
  end
end

local function forget(letters)
  if #letters == 0 then return end
  local fields = {}
  for n, id in ipairs(letters) do
    fields[2 * n - 1], fields[2 * n] = id, '@' .. id
  end
  call('ZREM', DEAD, unpack(letters))
  call('HDEL', JOBS, unpack(fields))
end

-- A hundred of each in one call: more than one call can add.
local function trimDeadLetters()
  local excess = call('ZCARD', DEAD) - ARGV[5]
  if excess > 0 then forget(call('ZRANGE', DEAD, 0, math.min(excess, 100) - 1)) end
  forget(call('ZRANGEBYSCORE', DEAD, '-inf', now - ARGV[4] * 1000, 'LIMIT', 0, 100))
end

local position = acknowledgements
for first = 7 + 2 * acknowledgements, #ARGV, 5 do
  local kind, id, delayMs, note = ARGV[first], ARGV[first + 1], tonumber(ARGV[first + 3]), ARGV[first + 4]
  local state = call('HGET', JOBS, '@' .. id)
  position = position + 1
  if not state or #state < STATE_HEAD or numbers('>I7', state, 5) ~= tonumber(ARGV[first + 2]) then
    refused = refused + 1
    reply[4 + refused] = position
  else
    local attempts, _, at, sequence, priority = numbers(STATE, state)
    if kind == 'release' then note = sub(state, STATE_HEAD + 1) end
    if kind == 'release' or kind == 'release+note' then attempts = attempts - 1 end
    call('ZREM', ACTIVE, id)
    -- Only what is handed back at once keeps its place in the order.
    if kind == 'retry' or delayMs > 0 then
      at = now + delayMs * 1000
      sequence = call('INCR', SEQUENCE)
    end
    call('HSET', JOBS, '@' .. id, pack(STATE, attempts, 0, at, sequence, priority) .. note)
    local ticket = pack(TICKET, at, sequence, priority) .. id
    if kind == 'dead' then
      call('ZADD', DEAD, now, id)
      trimDeadLetters()
    elseif delayMs > 0 then
      call('ZADD', DELAYED, at, ticket)
      if not nextDue or at < nextDue then nextTicket, nextDue = ticket, at end
    else
      call('ZADD', READY, priority, ticket)
      grew = true
    end
  end
end
reply[4] = refused
last = last + refused

if most > 0 then
  local ended = call('ZRANGEBYSCORE', ACTIVE, '-inf', now, 'WITHSCORES', 'LIMIT', 0, MOST_AT_ONCE)
  if #ended > 0 then
    -- Ready again, and from when the lease ended.
    local ids, fields, changed, ready = {}, {}, {}, {}
    for n = 1, #ended / 2 do ids[n], fields[n] = ended[2 * n - 1], '@' .. ended[2 * n - 1] end
    local states = call('HMGET', JOBS, unpack(fields))
    for n, id in ipairs(ids) do
      local at, state = tonumber(ended[2 * n]), states[n]
      local attempts, _, sequence, priority, note = 0, 0, 0, 0, ''
      if state and #state >= STATE_HEAD then
        attempts, _, _, sequence, priority = numbers(STATE, state)
        note = sub(state, STATE_HEAD + 1)
      end
      changed[2 * n - 1], changed[2 * n] = fields[n], pack(STATE, attempts, 0, at, sequence, priority) .. note
      ready[2 * n - 1], ready[2 * n] = priority, pack(TICKET, at, sequence, priority) .. id
    end
    call('ZREM', ACTIVE, unpack(ids))
    call('HSET', JOBS, unpack(changed))
    call('ZADD', READY, unpack(ready))
    grew = true
  end

  if call('ZCARD', DELAYED) > 0 then
    local due = call('ZRANGEBYSCORE', DELAYED, '-inf', now, 'LIMIT', 0, MOST_AT_ONCE)
    if #due > 0 then
      local ready = {}
      for n, ticket in ipairs(due) do
        ready[2 * n - 1], ready[2 * n] = #ticket > TICKET_HEAD and numbers('>i4', ticket, 15) or 0, ticket
      end
      call('ZREM', DELAYED, unpack(due))
      call('ZADD', READY, unpack(ready))
      grew = true
    end
  end

  local popped = call('ZPOPMIN', READY, most)
  local count = #popped / 2
  if count > 0 then
    local fields = {}
    for n = 1, count do
      local id = sub(popped[2 * n - 1], TICKET_HEAD + 1)
      fields[2 * n - 1], fields[2 * n] = id, '@' .. id
    end
    local stored = call('HMGET', JOBS, unpack(fields))
    local token = call('INCRBY', SEQUENCE, count) - count + 1
    -- Made once: Redis would write the number again for every job.
    local ends = string.format('%.0f', now + ARGV[3] * 1000)
    local changed, leases = {}, {}
    reply[1] = token
    for n = 1, count do
      local ticket, id, envelope, state = popped[2 * n - 1], fields[2 * n - 1], stored[2 * n - 1], stored[2 * n]
      local at, sequence, priority, attempts, note = 0, 0, 0, 1, ''
      if envelope then
        at, sequence, priority = numbers(TICKET, ticket)
      else
        -- No job of ours. It gets an id, so that it can be settled, and keeps its bytes as its envelope.
        id, envelope, state = 'unreadable-' .. redis.sha1hex(ticket), ticket, false
        fields[2 * n] = '@' .. id
        call('HSET', JOBS, id, ticket)
      end
      if state and #state >= STATE_HEAD then
        attempts = numbers('>I4', state) + 1
        note = sub(state, STATE_HEAD + 1)
      end
      changed[2 * n - 1] = fields[2 * n]
      changed[2 * n] = pack(STATE, attempts, token + n - 1, at, sequence, priority) .. note
      leases[2 * n - 1], leases[2 * n] = ends, id
      reply[last + 1], reply[last + 2], reply[last + 3], reply[last + 4] = id, attempts, envelope, note
      last = last + 4
    end
    call('HSET', JOBS, unpack(changed))
    call('ZADD', ACTIVE, unpack(leases))
  else
    local delayed = call('ZRANGE', DELAYED, 0, 0, 'WITHSCORES')
    local active = call('ZRANGE', ACTIVE, 0, 0, 'WITHSCORES')
    local at = math.min(tonumber(delayed[2]) or math.huge, tonumber(active[2]) or math.huge)
    if at < math.huge then reply[2] = math.max(0, math.ceil((at - now) / 1000)) end
    trimDeadLetters()
  end
end

local wakeInMs
if nextTicket and call('ZRANGE', DELAYED, 0, 0)[1] == nextTicket then wakeInMs = math.ceil((nextDue - now) / 1000) end
if grew and call('ZCARD', READY) > 0 then wakeInMs = 0 end
if wakeInMs then
  ${wake}
  reply[3] = wake(ARGV[1], wakeInMs) and 1 or 0
end
return reply
`;
