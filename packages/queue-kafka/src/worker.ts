import { setImmediate as turn } from 'node:timers/promises';
import type {
  AdapterContext,
  Delivery,
  ExchangeRequest,
  Outcome,
  Receipt,
  ReserveRequest,
  Settlement,
} from '@switchyard/queue-api';
import { DelayLine } from './delay-line.ts';
import { GroupConsumer } from './group-consumer.ts';
import { Hunger } from './hunger.ts';
import { atMost, Deadline } from './in-time.ts';
import { JobSource } from './job-source.ts';
import type { BrokerClocks } from './kafka/broker-clocks.ts';
import type { Cluster } from './kafka/cluster.ts';
import type { Producer } from './kafka/producer.ts';
import type { PartitionReader } from './log/partition-reader.ts';
import type { Mover } from './mover.ts';
import type { QueueTopics } from './queue-topics.ts';
import { Settler } from './settler.ts';
import { Trimmer } from './trimmer.ts';

export interface WorkerOptions {
  readonly queue: string;
  readonly cluster: Cluster;
  readonly clocks: BrokerClocks;
  readonly producer: Producer;
  readonly mover: Mover;
  readonly topics: QueueTopics;
  readonly sessionTimeoutMs: number;
  readonly maxUncommitted: number;
  readonly trimEveryMs: number;
  /** Jobs were taken from it whose leases have ended, and nobody asks for more. */
  readonly onSilence: () => void;
  readonly report: AdapterContext['report'];
}

const START_MS = 10_000;
const TURN_MS = 10;
const LOOK_MS = 400;

/** What this process does for a queue from its first `reserve` until it leaves the group: one membership, and all that hangs on it. */
export class Worker {
  readonly #consumer: GroupConsumer;
  readonly #source: JobSource;
  readonly #settler: Settler;
  readonly #trimmer: Trimmer;
  #turnedAt = 0;
  #isLeaving = false;
  readonly #look: NodeJS.Timeout;
  readonly #hunger = new Hunger();
  readonly #onSilence: () => void;
  readonly #mainTopic: string;
  readonly #delays = new Map<PartitionReader, DelayLine>();

  constructor(options: WorkerOptions) {
    const { cluster, topics, queue, report, mover } = options;
    const consumer: GroupConsumer = new GroupConsumer({
      ...options,
      ready: reader => this.#ready(reader, options),
      lost: reader => this.#lost(reader),
      troubled: error => this.#source.fail(error),
    });
    this.#consumer = consumer;
    this.#onSilence = options.onSilence;
    this.#mainTopic = topics.names.main;
    this.#source = new JobSource({
      queue,
      report,
      holds: () => consumer.holds,
      trouble: () => consumer.trouble,
      idle: reader => consumer.idle(reader),
    });
    this.#settler = new Settler({
      mover,
      source: this.#source,
      holds: () => consumer.holds,
      confirm: timeoutMs => consumer.confirm(timeoutMs),
      finished: () => consumer.finished(),
    });
    this.#trimmer = new Trimmer({
      cluster,
      queue,
      report,
      readers: () => consumer.readers,
      committedOf: reader => consumer.committedOf(reader),
      holds: () => consumer.holds,
      everyMs: options.trimEveryMs,
    });
    this.#look = setInterval(() => this.#lookAround(), LOOK_MS).unref();
    void topics.ensure(START_MS).then(
      () => consumer.start(),
      // A group can be joined without topics: the leader finds none, and looks again.
      () => consumer.start(),
    );
  }

  /** How many jobs are leased. */
  get leased(): number {
    return this.#source.leased;
  }

  /** Whether jobs are asked for: who does not ask leaves them to others. */
  set isHungry(isHungry: boolean) {
    const isNews = this.#hunger.isHungry !== isHungry;
    this.#hunger.isHungry = isHungry;
    this.#consumer.isStandingBy = !isHungry;
    if (isNews) this.#consumer.tellHunger(isHungry);
  }

  /** Nobody asks for jobs any more, and those that run may finish. */
  standby(): void {
    this.#source.dismiss();
    this.isHungry = false;
  }

  get readers(): Iterable<PartitionReader> {
    return this.#consumer.readers;
  }

  /**
   * `partitions`: how many of the queue's are ours. `uncommitted`: how far work has got ahead of the first job that is not
   * finished, in the partition where that is most; it waits at `maxUncommitted`. `finishedAhead`: how many of that are finished.
   */
  figures(): { partitions: number; uncommitted: number; finishedAhead: number } {
    const jobs = [...this.readers].filter(({ topic }) => topic === this.#mainTopic);
    const [furthest] = jobs.map(({ ledger }) => ledger).toSorted((a, b) => b.span - a.span);
    const { span: uncommitted = 0, ahead: finishedAhead = 0 } = furthest ?? {};
    return { partitions: jobs.length, uncommitted, finishedAhead };
  }

  reserve(request: ReserveRequest): Promise<readonly Delivery[]> {
    return this.#source.reserve(request);
  }

  settle(settlements: readonly Settlement[], timeoutMs: number): Promise<Outcome[]> {
    return this.#settler.settle(settlements, timeoutMs);
  }

  /** Where nobody needs to be asked, which is mostly so, everything happens in this turn. */
  async exchange(
    settlements: readonly Settlement[],
    { max, leaseMs, timeoutMs }: ExchangeRequest,
  ): Promise<{ outcomes: Outcome[]; deliveries: Delivery[] }> {
    const outcomes = this.#settler.settleNow(settlements) ?? (await this.#settler.settle(settlements, timeoutMs));
    const deliveries = this.#source.take(max, leaseMs);
    // Work that never leaves the process would keep sockets and timers waiting until there is none.
    if (deliveries.length === 0 || performance.now() - this.#turnedAt > TURN_MS) {
      await turn();
      this.#turnedAt = performance.now();
    }
    return { outcomes, deliveries };
  }

  extend(receipts: readonly Receipt[], leaseMs: number, timeoutMs: number): Promise<Outcome[]> {
    return this.#settler.extend(receipts, leaseMs, timeoutMs);
  }

  /** Resolves once nothing is leased any more. */
  idle(): Promise<void> {
    if (this.leased === 0) return Promise.resolve();
    return new Promise(resolve => (this.#source.onIdle = resolve));
  }

  /** Commits, and leaves the group: what is not finished is for others now. Never rejects. */
  async leave(timeoutMs: number): Promise<void> {
    this.#isLeaving = true;
    this.#trimmer.stop();
    clearInterval(this.#look);
    this.#source.dismiss();
    const deadline = new Deadline(timeoutMs);
    // What is stored elsewhere has to be committed here.
    await atMost(deadline.left / 2, Promise.all([...this.#delays.values()].map(line => line.stop())));
    await this.#consumer.leave(Math.max(1, deadline.left));
  }

  #ready(reader: PartitionReader, options: WorkerOptions): void {
    if (reader.topic === this.#mainTopic) {
      this.#source.ready(reader);
      return;
    }
    let line = this.#delays.get(reader);
    // What it moved could not be committed any more.
    if (line === undefined && this.#isLeaving) return;
    if (line === undefined) {
      const stepMs = options.topics.delaySteps[reader.partition] ?? 0;
      const moved = () => this.#consumer.finished();
      const idle = () => this.#consumer.idle(reader);
      line = new DelayLine({ ...options, reader, stepMs, moved, idle, holds: () => this.#consumer.holds });
      this.#delays.set(reader, line);
    }
    line.wake();
  }

  /** Two to three times a second, for what happens when somebody does nothing. */
  #lookAround(): void {
    const source = this.#source;
    const consumer = this.#consumer;
    // Whoever renews nothing, settles nothing and asks for nothing is not there any more: others are to have its jobs.
    if (source.takeBack() > 0 && source.leased === 0 && !source.isAwaited) this.#onSilence();
    const { isAwaited, hasJobs, askedAt } = source;
    const appetite = { isAwaited, hasJobs, askedAt, isAnyHungry: consumer.isAnyHungry };
    if (consumer.holds && this.#hunger.look(appetite)) consumer.tellHunger(this.#hunger.isHungry);
  }

  #lost(reader: PartitionReader): void {
    this.#source.lost(reader);
    void this.#delays.get(reader)?.stop();
    this.#delays.delete(reader);
  }
}
