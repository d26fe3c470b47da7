import { prelude } from './prelude.ts';

/**
 * Counts jobs. What is due and what has lost its lease is waiting, whether or not anybody has moved it.
 *
 * ARGV  none
 * Result  waiting, delayed, active, dead
 */
export const counts = `${prelude}
local due = redis.call('ZCOUNT', DELAYED, '-inf', now)
local ended = redis.call('ZCOUNT', ACTIVE, '-inf', now)
return {
  redis.call('ZCARD', READY) + due + ended,
  redis.call('ZCARD', DELAYED) - due,
  redis.call('ZCARD', ACTIVE) - ended,
  redis.call('ZCARD', DEAD)
}
`;
