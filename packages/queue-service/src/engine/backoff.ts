import type { StoreCapabilities } from '@switchyard/queue-api';
import type { Clock } from './clock.ts';

/** Uniform in [0, 1), like Math.random; injected in tests. */
export type Random = () => number;

type DelayLimits = Pick<StoreCapabilities, 'delayResolutionMs' | 'maxDelayMs'>;

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60 * 60 * 1000;
const RETRY_JITTER = 0.1;

/**
 * How long after failed attempt `attempt` the next one follows: 1 s · 2^(n-1), ±10 %, at most an hour, rounded to the
 * store's resolution (rule 17). At least one step of it, or all attempts would follow at once on a
 * coarse store; never more than the store can wait.
 */
export function retryDelay(attempt: number, random: Random, store: DelayLimits): number {
  const exact = FIRST_RETRY_MS * 2 ** (attempt - 1);
  const jittered = exact * (1 + RETRY_JITTER * (2 * random() - 1));
  const step = Math.max(1, store.delayResolutionMs);
  const delay = Math.max(1, Math.round(Math.min(jittered, LONGEST_RETRY_MS) / step)) * step;
  return Math.min(delay, store.maxDelayMs ?? delay);
}

const FIRST_RECONNECT_MS = 100;
const LONGEST_RECONNECT_MS = 5000;

/** How long to leave a failing store alone after `failures` failures in a row: doubling up to 5 s, half of it jitter. */
export function storeBackoff(failures: number, random: Random): number {
  const longest = Math.min(LONGEST_RECONNECT_MS, FIRST_RECONNECT_MS * 2 ** (failures - 1));
  return longest * (0.5 + 0.5 * random());
}

/** Resolves after `ms`. */
export function sleep(clock: Clock, ms: number): Promise<void> {
  return new Promise(resolve => void clock.setTimeout(resolve, ms));
}
