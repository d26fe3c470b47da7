import assert from 'node:assert/strict';

/** Two clocks that both round to milliseconds may differ by this much. */
const ROUNDING_MS = 3;

/**
 * Asserts that something did not happen before `delayMs` had passed and not more than `lateMs` after. `since` is taken
 * before the call that starts the delay: the store starts its clock later than that, never earlier.
 */
export function assertPunctual(what: string, since: number, delayMs: number, lateMs: number): void {
  const elapsedMs = performance.now() - since;
  assert.ok(
    elapsedMs >= delayMs - ROUNDING_MS,
    `${what}: due after ${delayMs} ms, but it came after ${elapsedMs.toFixed(1)} ms`,
  );
  assert.ok(
    elapsedMs <= delayMs + lateMs,
    `${what}: due after ${delayMs} ms, it came after ${elapsedMs.toFixed(1)} ms; at most ${lateMs} ms late is allowed`,
  );
}
