import type { Clock, Timer } from '../engine/clock.ts';

interface ManualTimer extends Timer {
  readonly at: number;
  readonly callback: () => void;
}

/** A clock that stands still until it is told to go on. Promises settle in between, as they would in real time. */
export class ManualClock implements Clock {
  #now: number;
  readonly #timers = new Set<ManualTimer>();

  constructor(now: number = Date.UTC(2026, 0, 1)) {
    this.#now = now;
  }

  now(): number {
    return this.#now;
  }

  setTimeout(callback: () => void, ms: number): Timer {
    const timer: ManualTimer = {
      at: this.#now + Math.max(0, ms),
      callback,
      cancel: () => void this.#timers.delete(timer),
      unref: () => timer,
    };
    this.#timers.add(timer);
    return timer;
  }

  /** Lets `ms` pass: every timer that becomes due fires at its time, and what it sets off may settle before the next. */
  async advance(ms: number): Promise<void> {
    const end = this.#now + ms;
    await settle();
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      this.#timers.delete(next);
      next.callback();
      await settle();
    }
    this.#now = end;
    await settle();
  }

  /** When the next timer is due, if that is not after `end`. */
  nextTimer(end: number): number | undefined {
    const next = this.#next(end);
    return next === undefined ? undefined : Math.max(this.#now, next.at);
  }

  #next(end: number): ManualTimer | undefined {
    let first: ManualTimer | undefined;
    for (const timer of this.#timers)
      if (timer.at <= end && (first === undefined || timer.at < first.at)) first = timer;
    return first;
  }
}

/** More turns than any chain of steps needs; whoever asks for one in every turn must not hang the test. */
const MOST_TURNS = 1000;

/** Turns of the event loop until nobody has asked for another: whatever can happen without waiting for time, has. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < MOST_TURNS; turn++) {
    await new Promise(resolve => void setImmediate(resolve));
    if (!process.getActiveResourcesInfo().includes('Immediate')) return;
  }
}
