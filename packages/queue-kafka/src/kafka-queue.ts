import {
  type AdapterContext,
  type Delivery,
  type ExchangeRequest,
  type ExchangeResult,
  type JobCounts,
  type NewJob,
  type Outcome,
  QueueUnavailableError,
  type Receipt,
  type ReserveRequest,
  type Settlement,
  type StoreQueue,
} from '@switchyard/queue-api';
import { classify } from './classify.ts';
import { countJobs } from './count-jobs.ts';
import { atMost, Deadline } from './in-time.ts';
import { newRecord } from './job-record.ts';
import type { BrokerClocks } from './kafka/broker-clocks.ts';
import type { Cluster } from './kafka/cluster.ts';
import type { Producer } from './kafka/producer.ts';
import { BATCH_OVERHEAD_BYTES, recordBytes } from './kafka/record-batch-writer.ts';
import { type Destination, Mover } from './mover.ts';
import type { QueueTopics } from './queue-topics.ts';
import { Worker } from './worker.ts';

export interface KafkaQueueOptions {
  readonly name: string;
  readonly cluster: Cluster;
  readonly clocks: BrokerClocks;
  readonly producer: Producer;
  readonly topics: QueueTopics;
  readonly maxUncommitted: number;
  readonly trimEveryMs: number;
  readonly report: AdapterContext['report'];
  readonly onClosed: () => void;
}

const OK: Outcome = Object.freeze({ ok: true });
const LOST: Outcome = Object.freeze({ ok: false, code: 'lease-lost' });
const COUNT_TIMEOUT_MS = 8000;
const LEAVE_TIMEOUT_MS = 10_000;
/** What moving a job may add to its record: the engine's note, how often it was tried, when it was added, when it is due. */
const MORE_WHEN_MOVED_BYTES = 8 * 1024 + 512;

/** One opened queue: what the adapter contract asks for. A member of the group only from the first `reserve` on. */
export class KafkaQueue implements StoreQueue {
  readonly #options: KafkaQueueOptions;
  readonly #mover: Mover;
  #worker: Worker | undefined;
  /** A worker that is to leave once its jobs are done. */
  #standingBy: Worker | undefined;
  #leaving: Promise<void> = Promise.resolve();
  #closing: Promise<void> | undefined;

  constructor(options: KafkaQueueOptions) {
    this.#options = options;
    this.#mover = new Mover(options.cluster, options.producer, options.topics);
  }

  /** Kafka has no index of ids: an id that is added in two calls is two records. */
  async enqueue(jobs: readonly NewJob[], { timeoutMs }: { readonly timeoutMs: number }): Promise<Outcome[]> {
    this.#checkOpen();
    const { topics } = this.#options;
    const deadline = new Deadline(timeoutMs);
    // All that is said of them is taken down before anything is waited for.
    const added = new Map<string, Addition>();
    for (const job of jobs) if (!added.has(job.id)) added.set(job.id, addition(job));
    const ids = jobs.map(({ id }) => id);
    await topics.ensure(timeoutMs);
    const outcomes = new Map<string, Outcome>();
    const fitting = [...added].filter(([id, { bytes }]) => {
      if (bytes <= topics.maxBatchBytes) return true;
      outcomes.set(id, tooLarge(bytes, topics.maxBatchBytes));
      return false;
    });
    const destinations = fitting.map(([, { destination }]) => destination);
    const errors = destinations.map((): Error | undefined => undefined);
    await this.#mover.move(destinations, Math.max(1, deadline.left), (index, error) => (errors[index] = error));
    const [first] = errors;
    // All of it for one reason: the engine is to see the error itself.
    if (first !== undefined && outcomes.size === 0 && errors.every(error => error === first)) throw first;
    for (const [index, [id]] of fitting.entries()) {
      const error = errors[index];
      if (error !== undefined) outcomes.set(id, { ok: false, code: classify(error), message: error.message });
    }
    return ids.map(id => outcomes.get(id) ?? OK);
  }

  async reserve(request: ReserveRequest): Promise<readonly Delivery[]> {
    this.#checkOpen();
    return (this.#worker ?? this.#startWorker(request)).reserve(request);
  }

  async settle(settlements: readonly Settlement[], { timeoutMs }: { readonly timeoutMs: number }): Promise<Outcome[]> {
    this.#checkOpen();
    const worker = this.#worker ?? this.#standingBy;
    return worker === undefined ? settlements.map(() => LOST) : worker.settle(settlements, timeoutMs);
  }

  async exchange(settlements: readonly Settlement[], request: ExchangeRequest): Promise<ExchangeResult> {
    this.#checkOpen();
    return (this.#worker ?? this.#startWorker(request)).exchange(settlements, request);
  }

  /** Leases last as long as the membership does. */
  async extend(
    receipts: readonly Receipt[],
    leaseMs: number,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Outcome[]> {
    this.#checkOpen();
    const worker = this.#worker ?? this.#standingBy;
    return worker === undefined ? receipts.map(() => LOST) : worker.extend(receipts, leaseMs, timeoutMs);
  }

  /** Leaves the group, so that others get the partitions. Not before the jobs that run are done: they would run twice. */
  standby(): Promise<void> {
    const worker = this.#worker;
    if (worker === undefined) return Promise.resolve();
    this.#worker = undefined;
    this.#standingBy = worker;
    // What nothing runs of goes at once.
    worker.standby();
    const left = worker.idle().then(async () => {
      if (this.#standingBy !== worker) return;
      this.#standingBy = undefined;
      this.#leaving = worker.leave(LEAVE_TIMEOUT_MS);
      await this.#leaving;
    });
    return worker.leased === 0 ? left : Promise.resolve();
  }

  async counts(): Promise<JobCounts> {
    this.#checkOpen();
    const { cluster, topics } = this.#options;
    const worker = this.#worker ?? this.#standingBy;
    const deadline = new Deadline(COUNT_TIMEOUT_MS);
    await topics.ensure(COUNT_TIMEOUT_MS);
    const left = Math.max(1, deadline.left);
    const { waiting, delayed } = await countJobs(cluster, topics.names, worker?.readers ?? [], left);
    const active = Math.min(waiting, worker?.leased ?? 0);
    return { waiting: waiting - active, delayed, active };
  }

  /** How this process stands in the group. */
  figures(): Readonly<Record<string, number>> {
    return (this.#worker ?? this.#standingBy)?.figures() ?? {};
  }

  close({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    this.#closing ??= this.#close(timeoutMs);
    return this.#closing;
  }

  async #close(timeoutMs: number): Promise<void> {
    const worker = this.#worker ?? this.#standingBy;
    this.#worker = undefined;
    this.#standingBy = undefined;
    await atMost(timeoutMs, Promise.all([worker?.leave(timeoutMs), this.#leaving]));
    this.#options.onClosed();
  }

  #startWorker({ leaseMs }: Pick<ReserveRequest, 'leaseMs'>): Worker {
    // One that was to leave, and has jobs that still run, stays.
    this.#worker = this.#standingBy ?? this.#newWorker(leaseMs);
    this.#worker.isHungry = true;
    this.#standingBy = undefined;
    return this.#worker;
  }

  #newWorker(sessionTimeoutMs: number): Worker {
    const { name: queue, ...options } = this.#options;
    const worker: Worker = new Worker({
      ...options,
      queue,
      mover: this.#mover,
      sessionTimeoutMs,
      onSilence: () => {
        if (this.#worker === worker) void this.standby();
      },
    });
    return worker;
  }

  #checkOpen(): void {
    if (this.#closing === undefined) return;
    throw new QueueUnavailableError('not-stored', `Queue ${this.#options.name} of the Kafka store is closed`);
  }
}

interface Addition {
  readonly destination: Destination;
  readonly bytes: number;
}

function addition(job: NewJob): Addition {
  const record = newRecord(job);
  const bytes = recordBytes(record) + BATCH_OVERHEAD_BYTES + MORE_WHEN_MOVED_BYTES;
  const { delayMs } = job;
  return { destination: delayMs > 0 ? { kind: 'later', waitMs: delayMs, record } : { kind: 'now', record }, bytes };
}

function tooLarge(bytes: number, limit: number): Outcome {
  const message = `The record has ${bytes} bytes with its headers; the topics of the queue take up to ${limit} (max.message.bytes)`;
  return { ok: false, code: 'payload-too-large', message };
}
