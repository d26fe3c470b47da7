import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as elapse } from 'node:timers/promises';

const ATTEMPTS = 4;

/**
 * Repeats `attempt` when it fails while this process stood still for more than `stallMs`: on a machine that busy a lease
 * that was not renewed in time says nothing about the store. A failure without a stall is a failure at once.
 */
export async function undisturbed(stallMs: number, attempt: () => Promise<void>): Promise<void> {
  for (let left = ATTEMPTS; ; left--) {
    const stalls = monitorEventLoopDelay({ resolution: 10 });
    stalls.enable();
    try {
      await attempt();
      return;
    } catch (error) {
      // A stall is only seen when it is over.
      await elapse(20);
      if (left === 1 || stalls.max / 1e6 < stallMs) throw error;
    } finally {
      stalls.disable();
    }
  }
}
