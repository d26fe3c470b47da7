import type { AdapterContext, Delivery, ReserveRequest } from '@switchyard/queue-api';
import { readJob } from './job-record.ts';
import type { FetchedRecord } from './kafka/record-batch-reader.ts';
import { Lease, type Taken } from './lease.ts';
import type { PartitionReader } from './log/partition-reader.ts';

export interface JobSourceOptions {
  readonly queue: string;
  /** Whether what we have is ours for certain. */
  readonly holds: () => boolean;
  /** What has not worked for a while, and still does not. */
  readonly trouble: () => unknown;
  /** Nothing of a partition is under way any more. */
  readonly idle: (reader: PartitionReader) => void;
  readonly report: AdapterContext['report'];
}

interface Waiter {
  readonly max: number;
  readonly leaseMs: number;
  readonly resolve: (deliveries: readonly Delivery[]) => void;
  readonly reject: (error: unknown) => void;
}

/** A partition with jobs: what is given back comes first. */
interface Line {
  readonly reader: PartitionReader;
  readonly returned: Taken[];
}

/** Hands out the jobs of all partitions that we have, one of each in turn, so that a slow one stops no other. */
export class JobSource {
  readonly #options: JobSourceOptions;
  readonly #lines: Line[] = [];
  readonly #lineOf = new Map<PartitionReader, Line>();
  readonly #waiters = new Set<Waiter>();
  readonly #leases = new Set<Lease>();
  #turn = 0;
  #leased = 0;
  #askedAt = -Infinity;
  /** Called when nothing is leased any more. */
  onIdle: (() => void) | undefined;

  constructor(options: JobSourceOptions) {
    this.#options = options;
  }

  /** How many jobs are leased. */
  get leased(): number {
    return this.#leased;
  }

  /** A partition is ours, or has more. */
  ready(reader: PartitionReader): void {
    if (!this.#lineOf.has(reader)) {
      const line = { reader, returned: [] };
      this.#lines.push(line);
      this.#lineOf.set(reader, line);
    }
    this.serve();
  }

  /** A partition is not ours any more: what is leased of it is lost. */
  lost(reader: PartitionReader): void {
    const line = this.#lineOf.get(reader);
    if (line === undefined) return;
    this.#lineOf.delete(reader);
    this.#lines.splice(this.#lines.indexOf(line), 1);
    for (const lease of this.#leases) if (lease.reader === reader) this.#leases.delete(lease);
    this.#less(reader, reader.leased);
  }

  /** Up to `max` jobs that are here right now. */
  take(max: number, leaseMs: number): Delivery[] {
    const deliveries: Delivery[] = [];
    const lines = this.#lines;
    const now = performance.now();
    this.#askedAt = now;
    if (!this.#options.holds()) return deliveries;
    for (let empty = 0; deliveries.length < max && empty < lines.length;) {
      this.#turn = (this.#turn + 1) % lines.length;
      const line = lines[this.#turn] as Line;
      const taken = this.#takeFrom(line, now + leaseMs);
      if (taken === undefined) {
        empty += 1;
        continue;
      }
      empty = 0;
      deliveries.push(taken);
    }
    return deliveries;
  }

  /** As the contract wants it. What is asked for while nothing works is refused. */
  reserve({ max, leaseMs, waitMs, signal }: ReserveRequest): Promise<readonly Delivery[]> {
    if (signal.aborted) return Promise.resolve([]);
    const here = this.take(max, leaseMs);
    if (here.length > 0) return Promise.resolve(here);
    const trouble = this.#options.trouble();
    if (trouble !== undefined) return Promise.reject(trouble);
    if (waitMs <= 0) return Promise.resolve([]);
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        clearTimeout(timer);
        signal.removeEventListener('abort', stop);
        this.#waiters.delete(waiter);
        settle();
      };
      const waiter: Waiter = {
        max,
        leaseMs,
        resolve: deliveries => end(() => resolve(deliveries)),
        reject: error => end(() => reject(error)),
      };
      const stop = () => waiter.resolve([]);
      const timer = setTimeout(stop, waitMs);
      signal.addEventListener('abort', stop, { once: true });
      this.#waiters.add(waiter);
    });
  }

  /** Hands out what has become available to those who wait. */
  serve(): void {
    for (const waiter of this.#waiters) {
      const deliveries = this.take(waiter.max, waiter.leaseMs);
      if (deliveries.length === 0) return;
      waiter.resolve(deliveries);
    }
  }

  /** Is there a job that could be handed out, if somebody asked, and that another member could get at once? */
  get hasJobs(): boolean {
    return this.#lines.some(
      ({ reader, returned }) => reader.isOpen && reader.leased === 0 && (returned.length > 0 || hasMore(reader)),
    );
  }

  /** Does somebody wait for a job? */
  get isAwaited(): boolean {
    return this.#waiters.size > 0;
  }

  /** When somebody last asked for a job, and was not left waiting. */
  get askedAt(): number {
    return this.isAwaited ? performance.now() : this.#askedAt;
  }

  /** A lease lasts from now. `false`: it is over. */
  extend(lease: Lease, leaseMs: number): boolean {
    if (!lease.holds) return false;
    lease.endsAt = performance.now() + leaseMs;
    return true;
  }

  /** Takes back what nobody has renewed or settled in time. Answers with how much that was. */
  takeBack(): number {
    const now = performance.now();
    const ended = [...this.#leases].filter(({ endsAt, moving }) => endsAt <= now && moving === undefined);
    for (const lease of ended) this.giveBack(lease);
    return ended.length;
  }

  /** Nothing works: whoever waits learns it. */
  fail(error: unknown): void {
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  /** Nobody waits any more. */
  dismiss(): void {
    for (const waiter of this.#waiters) waiter.resolve([]);
  }

  /** The lease is over, and the record of it is finished. */
  finish(lease: Lease): void {
    this.#end(lease);
    const { reader, taken } = lease;
    if (!reader.isOurs) return;
    const wasHeldUp = reader.isHeldUp;
    reader.ledger.finish(taken.offset);
    if (wasHeldUp) this.serve();
  }

  /** The lease is over, and the job is handed out again before the others of its partition. */
  giveBack(lease: Lease): void {
    const line = this.#lineOf.get(lease.reader);
    const after = line?.returned.findIndex(({ offset }) => offset > lease.taken.offset) ?? -1;
    line?.returned.splice(after < 0 ? line.returned.length : after, 0, lease.taken);
    this.#end(lease);
    this.serve();
  }

  #end(lease: Lease): void {
    lease.isOver = true;
    this.#leases.delete(lease);
    if (this.#lineOf.has(lease.reader)) this.#less(lease.reader, 1);
  }

  #less(reader: PartitionReader, count: number): void {
    reader.leased -= count;
    this.#leased -= count;
    if (reader.leased === 0) this.#options.idle(reader);
    if (this.#leased === 0) this.onIdle?.();
  }

  #takeFrom(line: Line, endsAt: number): Delivery | undefined {
    const { reader, returned } = line;
    if (!reader.isOpen) return undefined;
    const taken = returned.shift() ?? this.#next(reader);
    if (taken === undefined) return undefined;
    reader.leased += 1;
    this.#leased += 1;
    const lease = new Lease(reader, taken, endsAt);
    this.#leases.add(lease);
    return delivery(lease);
  }

  #next(reader: PartitionReader): Taken | undefined {
    const record = this.#read(reader);
    if (record === undefined && reader.isHeldUp) this.#sayHeldUp(reader);
    return record === undefined ? undefined : takenFrom(record);
  }

  #read(reader: PartitionReader): FetchedRecord | undefined {
    try {
      return reader.take();
    } catch (cause) {
      const { report, queue } = this.#options;
      const message = `Partition ${reader.partition} of ${reader.topic} cannot be read: ${String(cause)}`;
      report({ level: 'error', code: 'partition-unreadable', message, queue, cause });
      return undefined;
    }
  }

  #sayHeldUp({ topic, partition, ledger }: PartitionReader): void {
    const { report, queue } = this.#options;
    const message = `Partition ${partition} of ${topic} waits for the job at offset ${ledger.watermark}: ${ledger.ahead} behind it are finished, and kafka.maxUncommitted allows no more`;
    report({ level: 'warning', code: 'partition-held-up', message, queue });
  }
}

function hasMore(reader: PartitionReader): boolean {
  try {
    return reader.peek() !== undefined && !reader.isHeldUp;
  } catch {
    return false;
  }
}

function takenFrom(record: FetchedRecord): Taken {
  const { offset, timestampMs } = record;
  const job = readJob(record);
  if (typeof job === 'string') {
    return { offset, enqueuedAt: timestampMs, content: { kind: 'unreadable', why: job, record } };
  }
  return { offset, enqueuedAt: job.enqueuedAt ?? timestampMs, content: { kind: 'job', job } };
}

function delivery(receipt: Lease): Delivery {
  const { content, enqueuedAt } = receipt.taken;
  if (content.kind === 'unreadable') return { kind: 'unreadable', why: content.why, receipt };
  const { id, body, priority, attempts, note } = content.job;
  // Ours stay as they are whatever is done to those that are handed out.
  const headers = Object.isFrozen(content.job.headers) ? content.job.headers : { ...content.job.headers };
  const job = { kind: 'job' as const, id, body, headers, priority, attempt: attempts + 1, enqueuedAt, receipt };
  return note === undefined ? job : { ...job, note };
}
