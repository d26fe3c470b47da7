/**
 * How a queue lies in Redis, and what all scripts begin with.
 *
 * KEYS, all of one queue and so, by their hash tag, of one slot:
 *   1 ready     sorted set   ticket by priority                 what may be handed out, best first
 *   2 delayed   sorted set   ticket by the time it is due       what waits for its delay or its retry
 *   3 active    sorted set   id by the end of its lease         what a worker has
 *   4 dead      sorted set   id by the time it died             dead letters
 *   5 jobs      hash         id to envelope, and `@` id to state
 *   6 sequence  number                                          places in the order, and tokens
 *
 * The envelope is what was added, and is never written again. The state is all that changes: the attempts so far, the
 * token of the lease (0: none), the numbers of the ticket, and the engine's note. A job has one once it was handed out.
 *
 * A ticket is when the job is ready, its place in the order of adding, its priority, all as big-endian numbers, then its
 * id. Members of equal score are sorted by their bytes, so that `ready` holds the order of the rules exactly: by priority,
 * then by readiness, then by sequence, for any priority and any number of jobs.
 *
 * Times are whole microseconds of the server's clock, which a double holds exactly. Workers' clocks are not asked.
 *
 * Invariants:
 *   A job is in exactly one of `ready`, `delayed`, `active` and `dead`, and its envelope in `jobs` exactly as long. An id
 *   that is stored is thus known in any state but finished, and nothing is left of a finished job.
 *   The token is the fence: it comes from `sequence`, is never used twice, and only who knows it settles.
 *   What moves is taken from where it was before it is written where it goes. Redis refuses commands that need memory when
 *   there is none, but not to a script that has written: so a full server takes no job, and can be emptied.
 *   Work per job is O(log n), work per call is bounded.
 *
 * What every call does is written in a row, without functions: to make them costs as much as to run them.
 */
export const prelude = `
local READY, DELAYED, ACTIVE, DEAD, JOBS, SEQUENCE = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5], KEYS[6]
local call, pack, numbers, sub = redis.call, struct.pack, struct.unpack, string.sub

local clock = call('TIME')
local now = clock[1] * 1000000 + clock[2]

-- at, sequence, priority
local TICKET = '>I7I7i4'
local TICKET_HEAD = 18
-- attempts, token, at, sequence, priority; the token is the number from byte 5 on
local STATE = '>I4I7I7I7i4'
local STATE_HEAD = 29
`;

/**
 * Tells everybody who waits for a job of this queue in how many milliseconds there may be one. A user who may not publish
 * can still work: its jobs are then found by those who look from time to time.
 */
export const wake = `
local function wake(channel, inMs)
  return type(redis.pcall('PUBLISH', channel, string.format('%.0f', inMs))) == 'number'
end
`;
