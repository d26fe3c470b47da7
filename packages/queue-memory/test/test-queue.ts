import { randomUUID } from 'node:crypto';
import type {
  AdapterContext,
  Delivery,
  JobCounts,
  JobDelivery,
  NewJob,
  Outcome,
  QueueName,
  QueueStore,
  ReserveRequest,
  Settlement,
  StoreQueue,
} from '@switchyard/queue-api';
import { createMemoryAdapter } from '@switchyard/queue-memory';
import { FakeClock } from './fake-clock.ts';

/** Longer than anything here lasts. */
const LONG_MS = 1_000_000_000;

/** A queue with a clock that stands still, and the words the tests are written in. */
export class TestQueue {
  readonly clock: FakeClock;
  readonly store: QueueStore;
  readonly raw: StoreQueue;

  constructor(clock: FakeClock, store: QueueStore, raw: StoreQueue) {
    this.clock = clock;
    this.store = store;
    this.raw = raw;
  }

  /** Adds jobs; their ids are the ones given, or made up. */
  add(...drafts: readonly Partial<NewJob>[]): Promise<readonly Outcome[]> {
    return this.raw.enqueue(drafts.map(newJob), { timeoutMs: 1000 });
  }

  reserve(request: Partial<ReserveRequest> = {}): Promise<readonly Delivery[]> {
    return this.raw.reserve({ max: 1, leaseMs: LONG_MS, waitMs: 0, signal: new AbortController().signal, ...request });
  }

  /** Leases what is ready, at most `max`, without waiting. */
  async take(max: number, leaseMs: number = LONG_MS): Promise<JobDelivery[]> {
    return jobsOf(await this.reserve({ max, leaseMs }));
  }

  /** Leases the one job that is next; an error when there is none. */
  async takeOne(leaseMs: number = LONG_MS): Promise<JobDelivery> {
    const [job] = await this.take(1, leaseMs);
    if (job === undefined) throw new Error('nothing is ready');
    return job;
  }

  /** The ids of all ready jobs in the order in which they are handed out; they stay leased. */
  async order(): Promise<string[]> {
    return (await this.take(1000)).map(({ id }) => id);
  }

  settle(...settlements: readonly Settlement[]): Promise<readonly Outcome[]> {
    return this.raw.settle(settlements, { timeoutMs: 1000 });
  }

  ack(...jobs: readonly Delivery[]): Promise<readonly Outcome[]> {
    return this.settle(...jobs.map(({ receipt }): Settlement => ({ kind: 'ack', receipt })));
  }

  retry({ receipt }: Delivery, delayMs: number = 0, note: string = 'failed'): Promise<readonly Outcome[]> {
    return this.settle({ kind: 'retry', receipt, delayMs, note });
  }

  release({ receipt }: Delivery, how: { delayMs?: number; note?: string } = {}): Promise<readonly Outcome[]> {
    return this.settle({ kind: 'release', receipt, ...how });
  }

  bury(...jobs: readonly Delivery[]): Promise<readonly Outcome[]> {
    return this.settle(...jobs.map(({ receipt }): Settlement => ({ kind: 'dead', receipt, note: 'dead' })));
  }

  extend(leaseMs: number, ...jobs: readonly Delivery[]): Promise<readonly Outcome[]> {
    return this.raw.extend(
      jobs.map(({ receipt }) => receipt),
      leaseMs,
      { timeoutMs: 1000 },
    );
  }

  counts(): Promise<JobCounts> {
    return this.raw.counts();
  }

  /** The same store's queue, opened once more. */
  async openAgain(name: QueueName = NAME): Promise<TestQueue> {
    return new TestQueue(this.clock, this.store, await this.store.open(name));
  }
}

const NAME: QueueName = { plugin: 'plugin', name: 'queue' };

/** Connects to a store of its own and opens a queue of it. */
export async function openTestQueue(deadLetters: Partial<AdapterContext['deadLetters']> = {}): Promise<TestQueue> {
  const clock = new FakeClock();
  const store = await createMemoryAdapter({ clock }).connect(undefined, adapterContext(deadLetters));
  return new TestQueue(clock, store, await store.open(NAME));
}

/** What the engine gives a connecting adapter; the caps are the documented defaults. */
export function adapterContext(deadLetters: Partial<AdapterContext['deadLetters']> = {}): AdapterContext {
  return {
    instance: 'test',
    deadLetters: { maxAgeMs: 30 * 24 * 60 * 60 * 1000, maxCount: 10_000, ...deadLetters },
    report: ({ message }) => {
      throw new Error(`The store has nothing to report, yet says: ${message}`);
    },
  };
}

export function newJob(draft: Partial<NewJob> = {}): NewJob {
  return { id: randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0, ...draft };
}

/** The deliveries, all of which are jobs: nothing in this store can be unreadable. */
export function jobsOf(deliveries: readonly Delivery[]): JobDelivery[] {
  return deliveries.map(delivery => {
    if (delivery.kind !== 'job') throw new Error(`unreadable: ${delivery.why}`);
    return delivery;
  });
}

/** The outcomes as words: `ok`, or the code of the refusal. */
export async function words(outcomes: Promise<readonly Outcome[]>): Promise<string[]> {
  return (await outcomes).map(outcome => (outcome.ok ? 'ok' : outcome.code));
}
