import type { QueueErrorCode, QueueStore, Outcome, StoreCapabilities, StoreQueue } from '@switchyard/queue-api';
import type { ManualClock } from '../../src/testing/manual-clock.ts';
import { DriverError } from '../engine/driver-error.ts';
import { hangs } from '../engine/script.ts';
import type { ModelStore } from './model-store.ts';
import type { SeededRandom } from './seeded-random.ts';

/** How bad it is right now: the probability of each kind of trouble, per call. */
export interface Weather {
  /** Nothing happened. */
  readonly refuses: number;
  /** It happened, but the answer got lost. */
  readonly losesReply: number;
  /** It happened or not, and there will never be an answer. */
  readonly hangs: number;
  /** It takes up to so many ms, before it happens or after. */
  readonly delays: number;
  /** One entry fails, its neighbours do not. */
  readonly partial: number;
  /** The driver throws instead of returning a promise, or returns nonsense. */
  readonly breaks: number;
}

export const CALM: Weather = { refuses: 0, losesReply: 0, hangs: 0, delays: 0, partial: 0, breaks: 0 };
export const OUTAGE: Weather = { ...CALM, refuses: 1 };
export const BLACK_HOLE: Weather = { ...CALM, hangs: 1 };
export const STORM: Weather = {
  refuses: 0.15,
  losesReply: 0.15,
  hangs: 0.05,
  delays: 0.3,
  partial: 0.1,
  breaks: 0.03,
};

const LONGEST_DELAY_MS = 15_000;
const NO_TROUBLE: Outcome = { ok: true };

/** One worker's connection to the model: everything it asks goes through the weather. */
export class FaultyStore implements QueueStore {
  weather: Weather = CALM;
  /** The process behind this connection is gone: nothing it asks for happens, and nothing comes back. */
  killed = false;
  readonly capabilities: StoreCapabilities;
  readonly #model: ModelStore;
  readonly #clock: ManualClock;
  readonly #random: SeededRandom;

  constructor(model: ModelStore, clock: ManualClock, random: SeededRandom) {
    this.#model = model;
    this.#clock = clock;
    this.#random = random;
    const parallel = () => 1 + random.integer(3);
    const batch = () => 1 + random.integer(20);
    this.capabilities = {
      maxBatch: { enqueue: batch(), reserve: batch(), settle: batch() },
      parallel: { enqueue: parallel(), reserve: parallel(), settle: parallel() },
      maxBodyBytes: 1000,
      delayResolutionMs: 1,
      leaseResolutionMs: 1,
      priority: 'strict',
      order: 'ready',
      counts: 'exact',
      durable: true,
      shared: true,
      countsCrashes: true,
      freeRelease: true,
      keepsNote: true,
      knowsIds: true,
      leaseScope: 'job',
    };
  }

  async connect(): Promise<QueueStore> {
    await this.#through(() => undefined);
    return this;
  }

  async open(): Promise<StoreQueue> {
    await this.#through(() => undefined);
    const model = this.#model;
    const queue: StoreQueue = {
      enqueue: jobs => this.#through(() => this.#partly(jobs, entries => model.enqueue(entries))),
      reserve: request => this.#through(() => model.reserve(request)),
      settle: entries => this.#through(() => this.#partly(entries, some => model.settle(some))),
      extend: (receipts, leaseMs) => this.#through(() => this.#partly(receipts, some => model.extend(some, leaseMs))),
      counts: () => this.#through(() => model.counts()),
      standby: () => this.#through(() => undefined),
      close: () => this.#through(() => undefined),
    };
    if (this.#random.chance(0.5)) return queue;
    return {
      ...queue,
      exchange: (entries, { max, leaseMs }) =>
        this.#through(() => ({
          outcomes: this.#partly(entries, some => model.settle(some)),
          deliveries: model.take(max, leaseMs),
        })),
    };
  }

  classify(error: unknown): QueueErrorCode {
    return error instanceof DriverError ? error.code : 'rejected';
  }

  async close(): Promise<void> {}

  #through<T>(run: () => T | Promise<T>): Promise<T> {
    const { weather } = this;
    const random = this.#random;
    if (random.chance(weather.breaks)) {
      if (random.chance(0.5)) throw new DriverError('unavailable');
      return Promise.resolve(undefined as T);
    }
    return this.#later(run, weather);
  }

  async #later<T>(run: () => T | Promise<T>, weather: Weather): Promise<T> {
    const random = this.#random;
    if (this.killed) return hangs();
    if (random.chance(weather.refuses)) throw new DriverError(random.pick(['unavailable', 'throttled']));
    if (random.chance(weather.delays)) await this.#pause();
    if (random.chance(weather.hangs) && random.chance(0.5)) return hangs();
    if (this.killed) return hangs();
    const result = await run();
    if (random.chance(weather.delays)) await this.#pause();
    if (random.chance(weather.hangs) || this.killed) return hangs();
    if (random.chance(weather.losesReply)) throw new DriverError('unknown-outcome');
    return result;
  }

  #partly<E>(entries: readonly E[], run: (entries: readonly E[]) => Outcome[]): Outcome[] {
    if (!this.#random.chance(this.weather.partial)) return run(entries);
    const trouble = entries.map(() => (this.#random.chance(0.5) ? NO_TROUBLE : this.#trouble()));
    const done = run(entries.filter((_, index) => trouble[index] === NO_TROUBLE));
    const outcomes = trouble.map(one => (one === NO_TROUBLE ? (done.shift() as Outcome) : one));
    return this.#random.chance(0.1) ? outcomes.slice(0, -1) : outcomes;
  }

  #trouble(): Outcome {
    return { ok: false, code: this.#random.pick(['unavailable', 'throttled', 'unknown-outcome']) };
  }

  #pause(): Promise<void> {
    return new Promise(resolve => void this.#clock.setTimeout(resolve, this.#random.integer(LONGEST_DELAY_MS)));
  }
}
