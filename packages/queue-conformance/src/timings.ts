import type { StoreCapabilities } from '@switchyard/queue-api';

const HOUR_MS = 60 * 60 * 1000;

/** How long things take and may take in the cases, in milliseconds, for one store. */
export interface Timings {
  /** A lease that is meant to end during the case. Not a multiple of the store's resolution, so that rounding shows. */
  readonly leaseMs: number;
  /** From the hand-out until a short lease that nobody renews must have ended. */
  readonly leaseEndMs: number;
  /** A lease that does not end during the case. */
  readonly longLeaseMs: number;
  /** A delay that passes during the case. */
  readonly delayMs: number;
  /** A delay that does not pass during the case: the longest backoff, where the store can. */
  readonly longDelayMs: number;
  /** How late, at most, a job may be after its delay. */
  readonly lateMs: number;
  /** How soon a waiting `reserve` answers when there is a job. */
  readonly wakeMs: number;
  /** How soon a waiting `reserve` answers to its signal. */
  readonly abortMs: number;
  /** How long a case watches for something that must not happen. */
  readonly quietMs: number;
  /** The deadline given to calls that need not hurry. */
  readonly callMs: number;
  /** What a machine may add to any deadline: a loaded CI runner, a garbage collection. */
  readonly slackMs: number;
}

/** Scales the kit's times to what the store declares, so that a store with whole seconds is judged in seconds. */
export function timingsFor(capabilities: StoreCapabilities, timeScale: number): Timings {
  const { leaseResolutionMs, delayResolutionMs, maxLeaseMs = Infinity, maxDelayMs = Infinity } = capabilities;
  const slackMs = 2_000 * timeScale;
  const leaseMs = Math.ceil(Math.max(500 * timeScale, 2.5 * leaseResolutionMs));
  return {
    leaseMs,
    leaseEndMs: leaseMs + leaseResolutionMs + slackMs,
    longLeaseMs: Math.min(60_000 * timeScale + 10 * leaseResolutionMs, maxLeaseMs),
    delayMs: Math.ceil(Math.max(300 * timeScale, 1.5 * delayResolutionMs)),
    longDelayMs: Math.min(HOUR_MS, maxDelayMs),
    lateMs: delayResolutionMs + slackMs,
    wakeMs: 4_000 * timeScale,
    abortMs: 100 * timeScale + slackMs / 4,
    quietMs: 300 * timeScale,
    callMs: 10_000 * timeScale,
    slackMs,
  };
}

/** What a case may take in all: the deadline it asks for, scaled, plus room for thirty steps of the store's clockwork. */
export function caseDeadlineMs(deadlineMs: number, capabilities: StoreCapabilities, timeScale: number): number {
  return deadlineMs * timeScale + 30 * (capabilities.leaseResolutionMs + capabilities.delayResolutionMs);
}
