/**
 * How a queue lies in Redis, and what all scripts begin with.
 *
 * KEYS, all of one queue and so, by their hash tag, of one slot:
 *   1 ready     sorted set   ticket by priority                 what may be handed out, best first
 *   2 delayed   sorted set   ticket by the time it is due       what waits for its delay or its retry
 *   3 active    sorted set   id by the end of its lease         what a worker has
 *   4 dead      sorted set   id by the time it died             dead letters
 *   5 jobs      hash         id to envelope                     written once, never rewritten
 *   6 states    hash         id to state                        of every job that was handed out before
 *   7 sequence  number                                          places in the order, and tokens
 *
 * A ticket is when the job is ready, its place in the order of adding, its priority, all as big-endian numbers, then its
 * id. Members of equal score are sorted by their bytes, so that `ready` holds the order of the rules exactly: by priority,
 * then by readiness, then by sequence, for any priority and any number of jobs.
 *
 * A state is the attempts so far, the token of the lease (0: none), the numbers of the ticket, and the engine's note. The
 * token is the fence: it comes from `sequence` and is never used twice.
 *
 * Times are whole microseconds of the server's clock, which a double holds exactly. Workers' clocks are not asked.
 *
 * Invariants:
 *   A job is in exactly one of `ready`, `delayed`, `active` and `dead`, and its envelope in `jobs` exactly as long. An id
 *   that is stored is thus known in any state but finished, and nothing is left of a finished job.
 *   What moves is written where it goes before it is removed from where it was. A script that Redis refuses to go on with
 *   (out of memory) may do its work twice, never lose a job.
 *   Work per job is O(log n), work per call is bounded.
 */
export const prelude = `
local READY, DELAYED, ACTIVE, DEAD, JOBS, STATES, SEQUENCE =
  KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6], KEYS[7]

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- at, sequence, priority
local TICKET = '>I7I7i4'
local TICKET_HEAD = 18
-- attempts, token, at, sequence, priority
local STATE = '>I4I7I7I7i4'
local STATE_HEAD = 29

local function ticketOf(id, at, sequence, priority)
  return struct.pack(TICKET, at, sequence, priority) .. id
end

local function stateOf(attempts, token, at, sequence, priority, note)
  return struct.pack(STATE, attempts, token, at, sequence, priority) .. note
end

-- Whether the state is of a lease that was given out with this token.
local function holds(state, token)
  return state and #state >= STATE_HEAD and struct.unpack('>I7', state, 5) == tonumber(token)
end

-- Tells everybody who waits for a job of this queue in how many milliseconds there may be one. A user who may not publish
-- can still work: its jobs are then found by those who look from time to time.
local function wake(channel, inMs)
  local told = redis.pcall('PUBLISH', channel, string.format('%.0f', inMs))
  return type(told) == 'number'
end

-- Tells them about \`ticket\`, due at \`due\`, if it is the next of the delayed ones.
local function wakeIfNext(channel, ticket, due)
  if not ticket then return true end
  local first = redis.call('ZRANGE', DELAYED, 0, 0)
  if first[1] ~= ticket then return true end
  return wake(channel, math.ceil((due - now) / 1000))
end
`;
