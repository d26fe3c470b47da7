import type { Clock } from './clock.ts';

/**
 * One timer for the earliest of many deadlines. It may ring before the deadline it was last set for, because moving a
 * timer back costs more than one look too many: whoever is rung looks at the clock and sets it again.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: () => void;
  #timer: { cancel(): void } | undefined;
  #at = Infinity;

  constructor(clock: Clock, ring: () => void) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at `at` (ms since the epoch; `Infinity`: never) or before. */
  setFor(at: number, now: number): void {
    if (this.#at <= at) return;
    this.off();
    this.#at = at;
    this.#timer = this.#clock.setTimeout(() => {
      this.#timer = undefined;
      this.#at = Infinity;
      this.#ring();
    }, at - now);
  }

  off(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#at = Infinity;
  }
}
