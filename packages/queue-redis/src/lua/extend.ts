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
local ends = string.format('%.0f', now + ARGV[1] * 1000)
local fields, leases, refused = {}, {}, {}
for n = 1, (#ARGV - 1) / 2 do fields[n] = '@' .. ARGV[2 * n] end
local states = call('HMGET', JOBS, unpack(fields))
for n = 1, #fields do
  local state = states[n]
  if state and #state >= STATE_HEAD and numbers('>I7', state, 5) == tonumber(ARGV[2 * n + 1]) then
    leases[#leases + 1] = ends
    leases[#leases + 1] = ARGV[2 * n]
  else
    refused[#refused + 1] = n
  end
end
if #leases > 0 then call('ZADD', ACTIVE, unpack(leases)) end
return refused
`;
