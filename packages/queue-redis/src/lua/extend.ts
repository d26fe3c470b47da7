import { prelude } from './prelude.ts';

/**
 * Makes leases last from now.
 *
 * ARGV  1 length in ms; for each lease: id, token
 * Result  positions (from 1) of the leases that are gone
 *
 * Keeps: only who holds the lease extends it.
 */
export const extend = `${prelude}
local ends = now + ARGV[1] * 1000
local ids, leases, refused = {}, {}, {}
for at = 2, #ARGV, 2 do ids[#ids + 1] = ARGV[at] end
local states = redis.call('HMGET', STATES, unpack(ids))
for n, id in ipairs(ids) do
  if holds(states[n], ARGV[2 * n + 1]) then
    leases[#leases + 1] = ends
    leases[#leases + 1] = id
  else
    refused[#refused + 1] = n
  end
end
if #leases > 0 then redis.call('ZADD', ACTIVE, unpack(leases)) end
return refused
`;
