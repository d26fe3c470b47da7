import type { Outcome, QueueError, QueueErrorCode, Settlement } from '@switchyard/queue-api';
import type { Attempt } from './attempt.ts';
import { type Random, storeBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { isTransient } from './store-link.ts';

/** One settlement on its way to the store. */
export interface OutboxEntry {
  readonly settlement: Settlement;
  /** Absent for what cannot be read: there is nothing to run and no lease worth renewing. */
  readonly attempt: Attempt | undefined;
  /** The store has carried it out. */
  readonly onDone: (() => void) | undefined;
  /** It has, or never will. */
  readonly onEnd: (() => void) | undefined;
  /** An earlier try may have been carried out without its answer getting through. */
  uncertain: boolean;
  /** How often the store refused it. */
  refusals: number;
}

export interface OutboxOptions {
  readonly clock: Clock;
  readonly random: Random;
  /** There is something to send again. */
  readonly onReady: () => void;
  /** The store has carried out an entry. */
  readonly onDone: (entry: OutboxEntry) => void;
  /** It never will: the lease is gone, or the store refuses for good and the lease will run out. */
  readonly onLost: (entry: OutboxEntry, code: QueueErrorCode) => void;
}

/** A settlement that the store refuses, rather than misses, is tried this often before its lease is left to end. */
const MOST_REFUSALS = 8;

/**
 * Settlements wait here until the store has answered each of them (rule 16): what was lost on the way is sent again,
 * alone or with others, however long that takes. A failed entry never holds up its neighbours.
 */
export class Outbox {
  readonly #options: OutboxOptions;
  readonly #later: OutboxEntry[] = [];
  #ready: OutboxEntry[] = [];
  readonly #inFlight = new Set<readonly OutboxEntry[]>();
  #inFlightCount = 0;
  #failures = 0;
  #timerArmed = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: OutboxOptions) {
    this.#options = options;
  }

  /** Not answered yet, in flight included. */
  get size(): number {
    return this.#ready.length + this.#later.length + this.#inFlightCount;
  }

  get hasReady(): boolean {
    return this.#ready.length > 0;
  }

  put(entry: OutboxEntry): void {
    this.#ready.push(entry);
  }

  take(max: number): readonly OutboxEntry[] {
    const batch = this.#ready.length <= max ? this.#ready : this.#ready.slice(0, max);
    this.#ready = batch === this.#ready ? [] : this.#ready.slice(max);
    this.#inFlight.add(batch);
    this.#inFlightCount += batch.length;
    return batch;
  }

  /** The attempts whose settlements are not answered yet: their leases are still held. */
  *attempts(): Iterable<Attempt> {
    for (const batch of [this.#ready, this.#later, ...this.#inFlight]) {
      for (const { attempt } of batch) if (attempt !== undefined) yield attempt;
    }
  }

  /** The store answered a batch. */
  answered(batch: readonly OutboxEntry[], outcomes: readonly Outcome[]): void {
    this.#landed(batch);
    let failed = false;
    for (let index = 0; index < batch.length; index++) {
      const entry = batch[index] as OutboxEntry;
      const outcome = outcomes[index];
      if (outcome?.ok) this.#options.onDone(entry);
      else failed = this.#failed(entry, outcome?.code ?? 'unknown-outcome') || failed;
    }
    if (failed) this.#wait();
    else this.#failures = 0;
    this.#checkIdle();
  }

  /** The call failed as a whole. */
  unanswered(batch: readonly OutboxEntry[], error: QueueError): void {
    this.#landed(batch);
    let failed = false;
    for (const entry of batch) failed = this.#failed(entry, error.code) || failed;
    if (failed) this.#wait();
    this.#checkIdle();
  }

  /** Resolves once every entry is answered. */
  idle(): Promise<void> {
    if (this.size === 0) return Promise.resolve();
    return new Promise(resolve => void this.#idleWaiters.push(resolve));
  }

  #landed(batch: readonly OutboxEntry[]): void {
    this.#inFlight.delete(batch);
    this.#inFlightCount -= batch.length;
  }

  /** Returns whether the entry is to be sent again. */
  #failed(entry: OutboxEntry, code: QueueErrorCode): boolean {
    if (code === 'lease-lost') {
      // A repeated settlement finds its lease gone because the first one got through and only its answer was lost,
      // unless we know better.
      if (entry.uncertain && entry.attempt?.lost === undefined) this.#options.onDone(entry);
      else this.#options.onLost(entry, code);
      return false;
    }
    entry.uncertain ||= code === 'unknown-outcome';
    if (!isTransient(code) && ++entry.refusals >= MOST_REFUSALS) {
      this.#options.onLost(entry, code);
      return false;
    }
    this.#later.push(entry);
    return true;
  }

  #wait(): void {
    this.#failures++;
    if (this.#timerArmed) return;
    this.#timerArmed = true;
    this.#options.clock.setTimeout(
      () => {
        this.#timerArmed = false;
        this.#ready.push(...this.#later.splice(0));
        this.#options.onReady();
      },
      storeBackoff(this.#failures, this.#options.random),
    );
  }

  #checkIdle(): void {
    if (this.size > 0) return;
    for (const resolve of this.#idleWaiters.splice(0)) resolve();
  }
}
