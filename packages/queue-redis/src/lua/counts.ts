import { prelude } from './prelude.ts';

/**
 * Counts jobs. What is due and what has lost its lease is waiting, whether or not anybody has moved it.
 *
 * ARGV  none
 * Result  waiting, delayed, active, dead
 */
export const counts = `${prelude}
local due = call('ZCOUNT', DELAYED, '-inf', now)
local ended = call('ZCOUNT', ACTIVE, '-inf', now)
return {
  call('ZCARD', READY) + due + ended,
  call('ZCARD', DELAYED) - due,
  call('ZCARD', ACTIVE) - ended,
  call('ZCARD', DEAD)
}
`;
