import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../src/clock.ts';

describe('the time of the system clock', () => {
  it('is in milliseconds since the epoch', () => {
    expect(Math.abs(systemClock.now() - Date.now())).toBeLessThan(60_000);
  });

  it('does not follow a wall clock that is set back', () => {
    const before = systemClock.now();
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() - 3_600_000 });
    try {
      expect(Date.now()).toBeLessThan(before);
      expect(systemClock.now()).toBeGreaterThanOrEqual(before);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe('a timer of the system clock', () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

  it('fires once, when its time has come', () => {
    const callback = vi.fn<() => void>();
    systemClock.setTimeout(callback, 99.5);
    vi.advanceTimersByTime(99);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    vi.advanceTimersByTime(1000);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('waits for a year if need be, though those of Node.js end after 25 days', () => {
    const callback = vi.fn<() => void>();
    systemClock.setTimeout(callback, YEAR_MS);
    vi.advanceTimersByTime(YEAR_MS - 1);
    expect(callback).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(callback).toHaveBeenCalledTimes(1);
  });

  it('never fires once it is cancelled, however far it has come', () => {
    const callback = vi.fn<() => void>();
    const timer = systemClock.setTimeout(callback, YEAR_MS);
    vi.advanceTimersByTime(YEAR_MS / 2);
    timer.cancel();
    expect(vi.getTimerCount()).toBe(0);
    vi.advanceTimersByTime(YEAR_MS);
    expect(callback).not.toHaveBeenCalled();
  });
});
