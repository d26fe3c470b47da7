import { expect, it, vi } from 'vitest';
import { Alarm } from '../src/alarm.ts';
import { FakeClock } from './fake-clock.ts';

function setUp() {
  const clock = new FakeClock();
  const ring = vi.fn<() => void>();
  const alarm = new Alarm(clock, ring);
  const setIn = (ms: number) => alarm.setFor(clock.now() + ms, clock.now());
  return { clock, ring, alarm, setIn };
}

it('rings once, at its time', () => {
  const { clock, ring, setIn } = setUp();
  setIn(100);
  clock.advance(99);
  expect(ring).not.toHaveBeenCalled();
  clock.advance(1);
  clock.advance(1000);
  expect(ring).toHaveBeenCalledTimes(1);
});

it('is brought forward by an earlier deadline, with one timer only', () => {
  const { clock, ring, setIn } = setUp();
  setIn(100);
  setIn(10);
  setIn(50);
  expect(clock.timers).toBe(1);
  clock.advance(10);
  expect(ring).toHaveBeenCalledTimes(1);
});

it('can be set again after it has rung, also for a deadline that has passed', () => {
  const { clock, ring, setIn } = setUp();
  setIn(10);
  clock.advance(10);
  setIn(-5);
  clock.advance(0);
  expect(ring).toHaveBeenCalledTimes(2);
});

it('sets no timer for never, and none is left once it is off', () => {
  const { clock, ring, alarm, setIn } = setUp();
  setIn(Infinity);
  expect(clock.timers).toBe(0);
  setIn(10);
  alarm.off();
  expect(clock.timers).toBe(0);
  clock.advance(10);
  expect(ring).not.toHaveBeenCalled();
});
