import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { retryDelay, sleep, storeBackoff } from '../../src/engine/backoff.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { watch } from './world.ts';

const HOUR = 3_600_000;
const chance = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

describe('retryDelay', () => {
  it('doubles from one second', () => {
    expect([1, 2, 3, 4, 5].map(attempt => retryDelay(attempt, () => 0.5, { delayResolutionMs: 1 }))).toEqual([
      1000, 2000, 4000, 8000, 16_000,
    ]);
  });

  it('stays within a tenth of that, and below an hour, whatever the attempt', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 5000 }), chance, (attempt, random) => {
        const exact = Math.min(1000 * 2 ** (attempt - 1), HOUR);
        const delay = retryDelay(attempt, () => random, { delayResolutionMs: 1 });
        expect(delay).toBeGreaterThanOrEqual(Math.floor(Math.min(exact * 0.9, HOUR)));
        expect(delay).toBeLessThanOrEqual(Math.min(Math.ceil(exact * 1.1), HOUR));
      }),
    );
  });

  it('is a whole number of the steps that the store has', () => {
    expect(retryDelay(3, () => 0.4, { delayResolutionMs: 1000 })).toBe(4000);
    expect(retryDelay(1, () => 0.1, { delayResolutionMs: 500 })).toBe(1000);
  });

  it('is never longer than the store can wait', () => {
    expect(retryDelay(12, () => 0.5, { delayResolutionMs: 1, maxDelayMs: 900_000 })).toBe(900_000);
  });

  it('is never nothing, however coarse the steps are', () => {
    expect(retryDelay(1, () => 0, { delayResolutionMs: 30_000 })).toBe(30_000);
    expect(retryDelay(4, () => 0.5, { delayResolutionMs: 30_000 })).toBe(30_000);
    expect(retryDelay(6, () => 0.5, { delayResolutionMs: 30_000 })).toBe(30_000);
    expect(retryDelay(7, () => 0.5, { delayResolutionMs: 30_000 })).toBe(60_000);
  });
});

describe('storeBackoff', () => {
  it('doubles from 100 ms up to 5 s, half of it chance', () => {
    expect([1, 2, 3, 7, 1000].map(failures => storeBackoff(failures, () => 0))).toEqual([50, 100, 200, 2500, 2500]);
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), chance, (failures, random) => {
        const longest = Math.min(5000, 100 * 2 ** (failures - 1));
        const backoff = storeBackoff(failures, () => random);
        expect(backoff).toBeGreaterThanOrEqual(longest / 2);
        expect(backoff).toBeLessThanOrEqual(longest);
      }),
    );
  });
});

describe('sleep', () => {
  it('ends after its time', async () => {
    const clock = new ManualClock();
    const slept = watch(sleep(clock, 10));
    await clock.advance(9);
    expect(slept.done).toBe(false);
    await clock.advance(1);
    expect(slept.done).toBe(true);
  });
});
