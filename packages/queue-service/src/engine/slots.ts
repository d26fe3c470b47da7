import type { Attempt } from './attempt.ts';

/**
 * Who runs on this queue in this process. It outlives a `disconnect`: a handler that ignored its signal then still
 * counts towards the concurrency of the next `process`, and its job is not started beside it (rule 10).
 */
export class Slots {
  readonly #running = new Map<string, Attempt>();
  #emptyWaiters: (() => void)[] = [];

  /** Called whenever a slot becomes free; belongs to the current consumer. */
  onFree: () => void = () => {};

  get size(): number {
    return this.#running.size;
  }

  has(id: string): boolean {
    return this.#running.has(id);
  }

  attempts(): Iterable<Attempt> {
    return this.#running.values();
  }

  take(attempt: Attempt): void {
    this.#running.set(attempt.delivery.id, attempt);
  }

  free(attempt: Attempt): void {
    this.#running.delete(attempt.delivery.id);
    this.onFree();
    if (this.#running.size > 0 || this.#emptyWaiters.length === 0) return;
    for (const resolve of this.#emptyWaiters.splice(0)) resolve();
  }

  /** Resolves once all slots are free. */
  empty(): Promise<void> {
    if (this.#running.size === 0) return Promise.resolve();
    return new Promise(resolve => void this.#emptyWaiters.push(resolve));
  }
}
