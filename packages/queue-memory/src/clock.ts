/** Time as the store sees it. Tests bring their own. */
export interface Clock {
  /** Milliseconds since the epoch, fractions included. Must never run backwards. */
  now(): number;
  /** Calls `callback` once, `ms` milliseconds from now, unless it is cancelled before. */
  setTimeout(callback: () => void, ms: number): { cancel(): void };
}

/** Node's own timers fire at once beyond this. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

/**
 * The machine's clock. Its timers keep the process alive, as they must: the store sets one only while a `reserve`
 * waits, so a worker without anything to do stays, and a program that has only added jobs may end.
 */
export const systemClock: Clock = {
  // The wall clock can be set back while a lease is running; performance.now() cannot.
  now: () => performance.timeOrigin + performance.now(),
  setTimeout(callback, ms) {
    let handle: NodeJS.Timeout;
    const start = (leftMs: number) => {
      handle =
        leftMs <= LONGEST_TIMEOUT_MS
          ? setTimeout(callback, Math.ceil(leftMs))
          : setTimeout(() => start(leftMs - LONGEST_TIMEOUT_MS), LONGEST_TIMEOUT_MS);
    };
    start(ms);
    return { cancel: () => clearTimeout(handle) };
  },
};
