import type { AdapterContext } from '@switchyard/queue-api';
import { classify } from './classify.ts';
import {
  deadForeignRecord,
  deadJobRecord,
  isTick,
  movedRecord,
  type ReadJob,
  readJob,
  sameRecord,
  tickRecord,
} from './job-record.ts';
import type { BrokerClocks } from './kafka/broker-clocks.ts';
import type { Cluster } from './kafka/cluster.ts';
import type { Producer } from './kafka/producer.ts';
import type { FetchedRecord } from './kafka/record-batch-reader.ts';
import type { RecordToWrite } from './kafka/record-batch-writer.ts';
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
  /** Something was moved and can be committed. */
  readonly moved: () => void;
  /** Nothing of the partition is under way any more. */
  readonly idle: () => void;
  readonly report: AdapterContext['report'];
}

/** A job whose time here is over, and that is not finished here before it is stored there. */
interface Due {
  readonly offset: number;
  readonly to: Destination;
  /** Where to, if it can be stored nowhere else. */
  readonly dead: (why: string) => RecordToWrite;
}

const MOST_AT_ONCE = 500;
const ANSWER_MS = 10_000;
/** What is sent again under another number is stored twice. */
const MOVE_MS = 120_000;
const PAUSE_MS = 500;
/** Timers take no more. */
const LONGEST_TIMER_MS = 3_600_000;
const TICK_EVERY_MS = 2000;
/** So far before its time a job is looked at again by a clock that was not heard for a while. */
const SURE_MS = 120_000;

/**
 * One partition of the delay topic, whose jobs all wait for the same step. Its head is always the next to move: to the step that
 * fits what is left of its delay, or to the jobs. Between two heads there is a timer and nothing else.
 *
 * Who is due is decided by the clock of the broker that leads the partition and stamps its records, see `BrokerClocks`. If it was
 * not heard of lately, a record of no meaning is written for the time in the answer, to the shortest step that the broker leads.
 */
export class DelayLine {
  readonly #options: DelayLineOptions;
  /** How many were taken, and are not stored elsewhere yet. */
  #underWay = 0;
  /** Those of them that could not be stored, and are to be tried again. */
  #failed: Due[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isAwake = false;
  #tickedAt = -Infinity;
  readonly #stopped = Promise.withResolvers<void>();
  #isStopped = false;

  constructor(options: DelayLineOptions) {
    this.#options = options;
  }

  /** There is something, or something may have changed. */
  wake(): void {
    if (this.#isAwake) return;
    this.#isAwake = true;
    queueMicrotask(() => {
      this.#isAwake = false;
      this.#look();
    });
  }

  /** Takes nothing more. Resolves once what is under way is stored, or is not. */
  stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    this.#less(this.#failed.splice(0).length);
    return this.#stopped.promise;
  }

  get #isOver(): boolean {
    return this.#isStopped || !this.#options.reader.isOurs;
  }

  #look(): void {
    const { reader, holds, moved } = this.#options;
    if (this.#isOver) return;
    if (!holds() || !reader.isOpen) {
      this.#wakeIn(PAUSE_MS);
      return;
    }
    const due: Due[] = [];
    const waitMs = this.#takeDue(due);
    moved();
    if (due.length > 0) this.#store(due);
    if (waitMs !== undefined) this.#wakeIn(waitMs);
  }

  /** Takes what is due. Answers with in how many ms to look again, unless something happens that will say so. */
  #takeDue(taken: Due[]): number | undefined {
    const { reader } = this.#options;
    try {
      while (this.#underWay < MOST_AT_ONCE) {
        const record = reader.peek();
        if (record === undefined) return undefined;
        const due = isTick(record) ? undefined : this.#dueOf(record);
        if (typeof due === 'number') return due;
        // It waits for those in front to be stored.
        if (reader.take() === undefined) return PAUSE_MS;
        if (due === undefined) {
          reader.ledger.finish(record.offset);
        } else {
          taken.push(due);
          this.#underWay += 1;
        }
      }
      return undefined;
    } catch (error) {
      this.#say('partition-unreadable', error);
      return 10 * PAUSE_MS;
    } finally {
      reader.leased = this.#underWay;
    }
  }

  /** Or in how many ms that is to be asked again. */
  #dueOf(record: FetchedRecord): Due | number {
    const { offset, timestampMs, appendTime } = record;
    const job = readJob(record);
    // Somebody else's: whoever takes the jobs finds out, and the engine decides.
    if (typeof job === 'string') {
      const ending = { attempts: 1, enqueuedAt: timestampMs };
      return {
        offset,
        to: { kind: 'now', record: sameRecord(record) },
        dead: note => deadForeignRecord(record, { note, ...ending }),
      };
    }
    const dueAt = job.dueAt ?? timestampMs + (job.waitMs ?? 0);
    const leavesAt = Math.min(dueAt, timestampMs + this.#options.stepMs);
    const now = appendTime ? this.#brokerTime(leavesAt) : Date.now();
    if (now === undefined) return PAUSE_MS;
    if (leavesAt > now) return leavesAt - now;
    return moving(offset, { ...job, enqueuedAt: job.enqueuedAt ?? timestampMs }, dueAt, now);
  }

  /** What time it is there at least. What was heard long ago is good enough to know that something is far away. */
  #brokerTime(leavesAt: number): number | undefined {
    const { cluster, clocks, reader } = this.#options;
    const node = cluster.known(reader.topic)?.partitions[reader.partition]?.node ?? -1;
    const time = clocks.atLeast(node);
    if (time !== undefined) return time;
    const rough = clocks.roughly(node);
    if (rough !== undefined && leavesAt - rough > SURE_MS) return rough + SURE_MS / 2;
    this.#tick(node);
    return undefined;
  }

  #tick(node: number): void {
    const { cluster, producer, reader } = this.#options;
    if (performance.now() - this.#tickedAt < TICK_EVERY_MS) return;
    this.#tickedAt = performance.now();
    const { topic } = reader;
    const leaders = cluster.known(topic)?.partitions ?? [];
    const led = [...leaders.keys()].filter(other => leaders[other]?.node === node);
    const partition = led.find(other => producer.isWell(topic, other)) ?? led[0] ?? reader.partition;
    void producer.produce({ topic, partition, records: [tickRecord()] }, ANSWER_MS).then(error => {
      if (this.#isOver) return;
      if (error !== undefined) this.#say('delays-held', error);
      this.wake();
    });
  }

  /** Stores jobs where they go now, each until that is done. */
  #store(due: readonly Due[]): void {
    const { mover, reader, holds } = this.#options;
    const destinations = due.map(({ to }) => to);
    const tell = (index: number, error: Error | undefined) => this.#told(due[index] as Due, error);
    void mover.move(destinations, MOVE_MS, tell, { holds, has: () => reader.isOurs });
  }

  #told(due: Due, error: Error | undefined): void {
    if (error === undefined) {
      if (this.#options.reader.isOurs) this.#options.reader.ledger.finish(due.offset);
      this.#less(1);
    } else if (this.#isOver) {
      this.#less(1);
    } else {
      if (this.#failed.length === 0) this.#tryAgain(error);
      this.#failed.push(elsewhere(due, error));
    }
  }

  #tryAgain(error: Error): void {
    this.#say('delays-held', error);
    setTimeout(() => {
      const failed = this.#failed.splice(0);
      if (this.#isOver) this.#less(failed.length);
      else if (failed.length > 0) this.#store(failed);
    }, PAUSE_MS);
  }

  /** So many are not under way any more. */
  #less(count: number): void {
    const { reader, moved, idle } = this.#options;
    this.#underWay -= count;
    if (this.#isStopped && this.#underWay === 0) this.#stopped.resolve();
    if (!reader.isOurs || count === 0) return;
    reader.leased = this.#underWay;
    moved();
    if (this.#underWay === 0) idle();
    this.wake();
  }

  #wakeIn(ms: number): void {
    clearTimeout(this.#timer);
    if (this.#isOver) return;
    this.#timer = setTimeout(() => this.wake(), Math.min(Math.max(1, Math.ceil(ms)), LONGEST_TIMER_MS));
  }

  #say(code: string, cause: unknown): void {
    const { reader, queue, report } = this.#options;
    const message = `Delayed jobs in partition ${reader.partition} of ${reader.topic} have to wait: ${String(cause)}`;
    report({ level: 'error', code, message, queue, cause });
  }
}

function moving(offset: number, job: ReadJob & { readonly enqueuedAt: number }, dueAt: number, now: number): Due {
  const { waitMs: _wait, dueAt: _due, ...kept } = job;
  const dead = (note: string) => deadJobRecord(kept, { note, attempts: job.attempts, enqueuedAt: job.enqueuedAt });
  if (dueAt <= now) return { offset, to: { kind: 'now', record: movedRecord(kept) }, dead };
  return { offset, to: { kind: 'later', waitMs: dueAt - now, record: movedRecord({ ...kept, dueAt }) }, dead };
}

/** What no topic of jobs takes goes to the dead letters; all else is tried again. */
function elsewhere(due: Due, error: Error): Due {
  if (due.to.kind === 'dead' || !['payload-too-large', 'rejected'].includes(classify(error))) return due;
  return { ...due, to: { kind: 'dead', record: due.dead(`It could not be moved: ${error.message}`) } };
}
