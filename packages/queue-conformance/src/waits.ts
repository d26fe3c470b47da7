import assert, { AssertionError } from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { withDeadline } from './with-deadline.ts';

/**
 * Everything one case waits for. Each wait has its own deadline and a name, so that a store that hangs is reported as
 * what it did not do rather than as a timeout of the test runner.
 */
export class Waits {
  readonly #pending = new Set<string>();

  /** What the case is waiting for at this moment. */
  pending(): readonly string[] {
    return [...this.#pending];
  }

  /** Awaits `promise`, or fails after `ms` with "waited … for `what`". */
  async within<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
    this.#pending.add(what);
    try {
      return await withDeadline(
        promise,
        ms,
        () => new AssertionError({ message: `waited ${Math.round(ms)} ms for ${what}` }),
      );
    } finally {
      this.#pending.delete(what);
    }
  }

  /** Repeats `check` until it no longer throws, or fails after `ms` with what it threw last. */
  async eventually(what: string, ms: number, check: () => Promise<void> | void): Promise<void> {
    const end = performance.now() + ms;
    for (let pauseMs = 10; ; pauseMs = Math.min(pauseMs * 2, 250)) {
      try {
        await this.within(what, ms, Promise.resolve(check()));
        return;
      } catch (error) {
        if (performance.now() > end) {
          assert.fail(
            `waited ${Math.round(ms)} ms for ${what}: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
      }
      await elapse(pauseMs);
    }
  }
}
