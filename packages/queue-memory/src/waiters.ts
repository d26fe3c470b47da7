import type { Delivery, ReserveRequest } from '@switchyard/queue-api';
import type { Clock } from './clock.ts';

/** A `reserve` that found nothing and waits. */
export interface Waiter {
  readonly request: ReserveRequest;
  /** Answers it; it waits no more, and nothing of it stays behind. */
  answer(deliveries: readonly Delivery[]): void;
}

/**
 * The reserves that wait at one queue, first come first served. Each leaves in exactly one way: it is answered, its
 * time is up, its signal aborts, or its owner dismisses it; the last three answer with nothing.
 */
export class Waiters {
  readonly #clock: Clock;
  readonly #onEmpty: () => void;
  readonly #waiting = new Map<Waiter, unknown>();

  /** `onEmpty`: the last one has left. */
  constructor(clock: Clock, onEmpty: () => void) {
    this.#clock = clock;
    this.#onEmpty = onEmpty;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** In the order of arrival. Whoever is answered meanwhile is not met again. */
  [Symbol.iterator](): IterableIterator<Waiter> {
    return this.#waiting.keys();
  }

  wait(request: ReserveRequest, owner: unknown): Promise<readonly Delivery[]> {
    const { signal, waitMs } = request;
    return new Promise(resolve => {
      const waiter: Waiter = {
        request,
        answer: deliveries => {
          if (!this.#waiting.delete(waiter)) return;
          timer.cancel();
          signal.removeEventListener('abort', giveUp);
          resolve(deliveries);
          if (this.#waiting.size === 0) this.#onEmpty();
        },
      };
      const giveUp = () => waiter.answer([]);
      const timer = this.#clock.setTimeout(giveUp, waitMs);
      signal.addEventListener('abort', giveUp);
      this.#waiting.set(waiter, owner);
    });
  }

  dismiss(owner: unknown): void {
    for (const [waiter, itsOwner] of this.#waiting) if (itsOwner === owner) waiter.answer([]);
  }
}
