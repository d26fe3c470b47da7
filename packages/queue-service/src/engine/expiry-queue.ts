import type { Clock, Timer } from './clock.ts';

/**
 * Calls back for every item that stays longer than `ttlMs`. All items live equally long, so the first in is the first
 * to expire: one timer serves any number of items, and adding and deleting cost next to nothing.
 */
export class ExpiryQueue<T> {
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #onExpire: (item: T) => void;
  readonly #expiries = new Map<T, number>();
  #timer: Timer | undefined;

  constructor(clock: Clock, ttlMs: number, onExpire: (item: T) => void) {
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#onExpire = onExpire;
  }

  get size(): number {
    return this.#expiries.size;
  }

  add(item: T): void {
    // The order is the map's, and it would leave an item that it knows where it is.
    this.#expiries.delete(item);
    this.#expiries.set(item, this.#clock.now() + this.#ttlMs);
    this.#timer ??= this.#arm(this.#ttlMs);
  }

  delete(item: T): void {
    // The timer stays: cancelling and arming it for every item would cost more than one idle wake-up.
    this.#expiries.delete(item);
  }

  clear(): void {
    this.#expiries.clear();
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(ms: number): Timer {
    return this.#clock.setTimeout(() => this.#expire(), ms).unref();
  }

  #expire(): void {
    const now = this.#clock.now();
    for (const [item, expiry] of this.#expiries) {
      if (expiry > now) break;
      this.#expiries.delete(item);
      this.#onExpire(item);
    }
    // Only now: what a callback adds expires after everything that is here already.
    this.#timer?.cancel();
    const [first] = this.#expiries.values();
    this.#timer = first === undefined ? undefined : this.#arm(first - now);
  }
}
