import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../src/engine/clock.ts';
import { withinTime } from '../../src/engine/within-time.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { watch } from './world.ts';

const DAYS_30 = 30 * 86_400_000;

describe('systemClock', () => {
  afterEach(() => void vi.useRealTimers());

  it('never runs backwards, whatever happens to the wall clock', () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const before = systemClock.now();
    vi.setSystemTime(0);
    expect(systemClock.now()).toBeGreaterThanOrEqual(before);
  });

  it("waits longer than Node's timers can", () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let fired = 0;
    systemClock.setTimeout(() => void fired++, DAYS_30).unref();
    vi.advanceTimersByTime(DAYS_30 - 1);
    expect(fired).toBe(0);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });

  it('can be told otherwise, also after the first part of a long wait', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let fired = 0;
    const timers = [
      systemClock.setTimeout(() => void fired++, 10),
      systemClock.setTimeout(() => void fired++, DAYS_30),
    ];
    timers[0]?.cancel();
    vi.advanceTimersByTime(DAYS_30 - 1);
    timers[1]?.cancel();
    vi.advanceTimersByTime(DAYS_30);
    expect(fired).toBe(0);
  });

  it('does not mind a time that is over', () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    let fired = 0;
    systemClock.setTimeout(() => void fired++, -5);
    vi.advanceTimersByTime(1);
    expect(fired).toBe(1);
  });
});

describe('withinTime', () => {
  it('says whether a promise settles in time', async () => {
    const clock = new ManualClock();
    expect(await withinTime(clock, 0, Promise.resolve())).toBe(true);
    expect(await withinTime(clock, 10, Promise.reject(new Error('x')))).toBe(true);
    const slow = watch(withinTime(clock, 10, new Promise(() => {})));
    await clock.advance(9);
    expect(slow.done).toBe(false);
    await clock.advance(1);
    expect(slow.value).toBe(false);
  });

  it('leaves no timer behind', async () => {
    const clock = new ManualClock();
    await withinTime(clock, 1000, Promise.resolve());
    expect(clock.nextTimer(clock.now() + 1e9)).toBeUndefined();
  });
});
