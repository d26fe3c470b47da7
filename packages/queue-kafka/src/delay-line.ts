import type { AdapterContext } from '@switchyard/queue-api';
import { isTick, movedRecord, readJob, sameRecord, tickRecord } from './job-record.ts';
import type { BrokerClocks } from './kafka/broker-clocks.ts';
import type { Cluster } from './kafka/cluster.ts';
import type { Producer } from './kafka/producer.ts';
import type { FetchedRecord } from './kafka/record-batch-reader.ts';
import type { PartitionReader } from './log/partition-reader.ts';
import type { Destination, Mover } from './mover.ts';

export interface DelayLineOptions {
  readonly reader: PartitionReader;
  /** How long jobs wait here before they hop, in ms; the last one they may wait for less in. */
  readonly stepMs: number;
  readonly queue: string;
  readonly cluster: Cluster;
  readonly clocks: BrokerClocks;
  readonly producer: Producer;
  readonly mover: Mover;
  /** Whether the partition is ours for certain. */
  readonly holds: () => boolean;
  /** Something was moved and can be committed; there may be room for more. */
  readonly moved: () => void;
  /** Nothing of the partition is under way any more. */
  readonly idle: () => void;
  readonly report: AdapterContext['report'];
}

/** A job whose time here is over. */
interface Due {
  readonly offset: number;
  readonly to: Destination;
}

const MOST_AT_ONCE = 500;
const ANSWER_MS = 10_000;
const PAUSE_MS = 500;
/** Timers take no more. */
const LONGEST_TIMER_MS = 3_600_000;
const TICK_EVERY_MS = 2000;

/**
 * One partition of the delay topic, whose jobs all wait for the same step. Its head is always the next to move: to the step that
 * fits what is left of its delay, or to the jobs. Between two heads there is a timer and nothing else.
 *
 * Who is due is decided by the clock of the broker that leads the partition and stamps its records, see `BrokerClocks`. If it was
 * not heard of lately, a record of no meaning is written to the partition for the time in the answer.
 */
export class DelayLine {
  readonly #options: DelayLineOptions;
  #timer: NodeJS.Timeout | undefined;
  #isMoving = false;
  #isWokenAgain = false;
  #tickedAt = -Infinity;

  constructor(options: DelayLineOptions) {
    this.#options = options;
  }

  /** There is something, or something may have changed. */
  wake(): void {
    if (this.#isMoving) {
      this.#isWokenAgain = true;
      return;
    }
    clearTimeout(this.#timer);
    this.#isMoving = true;
    this.#isWokenAgain = false;
    void this.#move().finally(() => {
      this.#isMoving = false;
      if (this.#isWokenAgain && this.#isOurs) this.wake();
    });
  }

  stop(): void {
    clearTimeout(this.#timer);
  }

  get #isOurs(): boolean {
    return this.#options.reader.isOurs;
  }

  async #move(): Promise<void> {
    const { reader, holds, moved } = this.#options;
    let left: Due[] = [];
    while (this.#isOurs) {
      if (!reader.isOpen || !holds()) return this.#wakeIn(PAUSE_MS);
      let next: Due[] | number | undefined = left;
      if (left.length === 0) {
        try {
          next = this.#due();
        } catch (error) {
          this.#sayUnreadable(error);
          return this.#wakeIn(10 * PAUSE_MS);
        }
      }
      moved();
      if (next === undefined) return;
      if (typeof next === 'number') return this.#wakeIn(next);
      left = await this.#store(next);
      if (left.length > 0) await pause();
    }
  }

  /** Jobs that are due, or else in how many ms the first will be, or `undefined` if there is none. */
  #due(): Due[] | number | undefined {
    const { reader } = this.#options;
    const due: Due[] = [];
    while (due.length < MOST_AT_ONCE) {
      const record = reader.peek();
      if (record === undefined) return due.length > 0 ? due : undefined;
      if (isTick(record)) {
        if (reader.take() === undefined) break;
        reader.ledger.finish(record.offset);
        continue;
      }
      const to = this.#destinationOf(record);
      if (typeof to === 'number') return due.length > 0 ? due : to;
      // More than may be under way: those in front are moved first.
      if (reader.take() === undefined) break;
      due.push({ offset: record.offset, to });
    }
    return due.length > 0 ? due : undefined;
  }

  /** Or in how many ms that is to be asked again. */
  #destinationOf(record: FetchedRecord): Destination | number {
    const job = readJob(record);
    // Somebody else's: whoever takes the jobs finds out, and the engine decides.
    if (typeof job === 'string') return { kind: 'now', record: sameRecord(record) };
    const { timestampMs, appendTime } = record;
    const dueAt = job.dueAt ?? timestampMs + (job.waitMs ?? 0);
    const now = appendTime ? this.#brokerTime() : Date.now();
    if (now === undefined) return PAUSE_MS;
    const leavesAt = Math.min(dueAt, timestampMs + this.#options.stepMs);
    if (leavesAt > now) return leavesAt - now;
    const { waitMs: _wait, dueAt: _due, ...kept } = job;
    const moved = { ...kept, enqueuedAt: job.enqueuedAt ?? timestampMs };
    if (dueAt <= now) return { kind: 'now', record: movedRecord(moved) };
    return { kind: 'later', waitMs: dueAt - now, record: movedRecord({ ...moved, dueAt }) };
  }

  #brokerTime(): number | undefined {
    const { cluster, clocks, reader } = this.#options;
    const node = cluster.known(reader.topic)?.partitions[reader.partition]?.node ?? -1;
    const time = clocks.atLeast(node);
    if (time === undefined) this.#tick();
    return time;
  }

  #tick(): void {
    const { producer, reader } = this.#options;
    if (performance.now() - this.#tickedAt < TICK_EVERY_MS) return;
    this.#tickedAt = performance.now();
    const { topic, partition } = reader;
    void producer.produce([{ topic, partition, records: [tickRecord()] }], ANSWER_MS).then(() => {
      if (this.#isOurs) this.wake();
    });
  }

  /** Stores jobs where they go now. Answers with those that could not be. */
  async #store(due: readonly Due[]): Promise<Due[]> {
    const { reader, mover, moved, idle } = this.#options;
    reader.leased = due.length;
    const errors = await mover.move(
      due.map(({ to }) => to),
      ANSWER_MS,
    );
    if (!reader.isOurs) return [];
    const left = due.filter((_, index) => errors[index] !== undefined);
    for (const [index, { offset }] of due.entries()) if (errors[index] === undefined) reader.ledger.finish(offset);
    reader.leased = left.length;
    moved();
    if (left.length === 0) idle();
    return left;
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(1, Math.ceil(ms)), LONGEST_TIMER_MS));
  }

  #sayUnreadable(cause: unknown): void {
    const { reader, queue, report } = this.#options;
    const message = `Partition ${reader.partition} of ${reader.topic} cannot be read, delayed jobs in it wait: ${String(cause)}`;
    report({ level: 'error', code: 'partition-unreadable', message, queue, cause });
  }
}

function pause(): Promise<void> {
  return new Promise(resolve => setTimeout(resolve, PAUSE_MS));
}
