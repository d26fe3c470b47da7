import { setTimeout as elapse } from 'node:timers/promises';
import type { AdapterContext } from '@switchyard/queue-api';
import type { Claim, Owned } from './group/assignor.ts';
import type { CommittedOffset } from './group/group-offsets.ts';
import { Membership } from './group/membership.ts';
import { Deadline } from './in-time.ts';
import type { Cluster, Topic } from './kafka/cluster.ts';
import { logRanges, type LogRange, type TopicPartition } from './kafka/offsets.ts';
import { Committer } from './log/committer.ts';
import { Fetcher } from './log/fetcher.ts';
import { type Commit, finishedAhead, Ledger } from './log/ledger.ts';
import { PartitionReader } from './log/partition-reader.ts';
import type { QueueTopics } from './queue-topics.ts';
import { Troubles } from './troubles.ts';

export interface GroupConsumerOptions {
  readonly cluster: Cluster;
  readonly topics: QueueTopics;
  readonly queue: string;
  readonly sessionTimeoutMs: number;
  readonly maxUncommitted: number;
  readonly report: AdapterContext['report'];
  /** A partition is ours, has got records, or may be handed out again. */
  readonly ready: (reader: PartitionReader) => void;
  /** A partition is not ours any more. */
  readonly lost: (reader: PartitionReader) => void;
  /** It has not worked for a while. */
  readonly troubled: (error: unknown) => void;
}

interface Place extends TopicPartition {
  /** Nothing from here on is what was read: the log was cut. */
  readonly cutAt?: number;
}

/** What may fail by itself, also the reading of one partition, by its name. */
type Activity = 'group' | 'fetch' | 'commit' | 'look-up' | PartitionName;

type PartitionName = `${string}/${number}`;

const ANSWER_MS = 5000;
const PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;

/**
 * A member of the queue's group with its partitions: which are ours, from where they are read, what is committed of them.
 *
 * A partition that is assigned is looked up (what was committed, what is in the log) and only then read. One that stays keeps its
 * reader, and with it buffer, ledger and running jobs, if nobody else can have had it in between. Where that is not certain, it
 * stands still until the commit has been looked up: if that is what we said last, nobody had it.
 */
export class GroupConsumer {
  readonly #options: GroupConsumerOptions;
  readonly #membership: Membership;
  readonly #fetcher: Fetcher;
  readonly #committer: Committer;
  readonly #readers = new Map<PartitionName, PartitionReader>();
  /** Those that are assigned, also while they are looked up. */
  #assigned: readonly TopicPartition[] = [];
  /** Changes with every assignment: what was begun under an older one is of no use. */
  #assignment = 0;
  readonly #troubles = new Troubles<Activity>();
  #isLooking = false;
  #isHungry = true;
  #isStopped = false;

  constructor(options: GroupConsumerOptions) {
    this.#options = options;
    const { cluster, topics } = options;
    const { main, delay } = topics.names;
    this.#committer = new Committer({
      readers: () => this.#readers.values(),
      holds: () => this.#membership.holds,
      commit: (offsets, timeoutMs) => this.#membership.commit(offsets, timeoutMs),
      failed: error => this.#failed('commit', error),
      succeeded: () => this.#troubles.over('commit'),
    });
    this.#fetcher = new Fetcher({
      cluster,
      group: main,
      targets: () => this.#readers.values(),
      topicGone: () => void this.#lookAtTopics(),
      failed: (error, place) => this.#failed(place === undefined ? 'fetch' : keyOf(place), error),
      succeeded: place => this.#troubles.over(place === undefined ? 'fetch' : keyOf(place)),
    });
    this.#membership = new Membership({
      cluster,
      groupId: main,
      topics: [main, delay],
      sessionTimeoutMs: options.sessionTimeoutMs,
      claim: () => this.#claim(),
      assigned: (partitions, isContinuous) => this.#assign(partitions, isContinuous),
      resumed: () => this.#resume(),
      lost: () => this.#assign([], false),
      failed: error => this.#failed('group', error),
      succeeded: () => this.#troubles.over('group'),
    });
  }

  start(): void {
    this.#membership.start();
  }

  /** Whether what we have is ours for certain. */
  get holds(): boolean {
    return this.#membership.holds;
  }

  /** Asks the group if it is not certain. Rejects when nobody answers in time. */
  confirm(timeoutMs: number): Promise<boolean> {
    return this.#membership.confirm(timeoutMs);
  }

  get readers(): Iterable<PartitionReader> {
    return this.#readers.values();
  }

  /** What has not worked for a while, and still does not. */
  get trouble(): unknown {
    return this.#troubles.lasting;
  }

  /** Something was finished. */
  finished(): void {
    this.#committer.touch();
  }

  /** Nothing of a partition is under way any more. */
  idle(reader: PartitionReader): void {
    if (reader.isRevoked && reader.isOurs) void this.#giveUp(reader);
  }

  /** Whether handlers wait for jobs. Where it changes, the group shares out anew. */
  set isHungry(isHungry: boolean) {
    if (this.#isHungry === isHungry) return;
    this.#isHungry = isHungry;
    this.#membership.rejoin();
  }

  get isHungry(): boolean {
    return this.#isHungry;
  }

  /** There may be room for more. */
  roomy(): void {
    this.#fetcher.wake();
  }

  committedOf(reader: PartitionReader): Commit | undefined {
    return this.#committer.said(reader.ledger);
  }

  committed(
    partitions: readonly TopicPartition[],
    timeoutMs: number,
  ): Promise<ReadonlyMap<TopicPartition, CommittedOffset>> {
    return this.#membership.committed(partitions, timeoutMs);
  }

  /** Commits what is finished and leaves the group. Never rejects. */
  async leave(timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    this.#isStopped = true;
    this.#fetcher.stop();
    // A commit needs a membership that is certain, and a rebalance may be under way.
    await this.#membership.confirm(deadline.left / 2).catch(() => false);
    await this.#committer.flush(deadline.left / 2);
    this.#committer.stop();
    this.#assign([], true);
    await this.#membership.leave(Math.max(1, deadline.left));
  }

  /** What is idle is held back from now on, and committed: it may be given to another. */
  async #claim(): Promise<Omit<Claim, 'generation'>> {
    for (const reader of this.#readers.values()) reader.isFrozen = reader.leased === 0;
    if (this.#readers.size > 0) await this.#committer.flush(ANSWER_MS);
    const owned = new Map<string, { topic: string; partitions: number[]; busy: number[] }>();
    for (const reader of this.#readers.values()) {
      // What is not committed would run again elsewhere.
      reader.isFrozen &&= !this.#committer.isDirty(reader.ledger);
      const { topic, partition } = reader;
      const claimed: Owned & { partitions: number[]; busy: number[] } = owned.get(topic) ?? {
        topic,
        partitions: [],
        busy: [],
      };
      owned.set(topic, claimed);
      claimed.partitions.push(partition);
      if (!reader.isFrozen) claimed.busy.push(partition);
    }
    return { owned: [...owned.values()], isHungry: this.#isHungry };
  }

  #assign(partitions: readonly TopicPartition[], isContinuous: boolean): void {
    this.#assignment += 1;
    this.#assigned = partitions;
    const places = new Set(partitions.map(keyOf));
    for (const [key, reader] of this.#readers) {
      const isAssigned = places.has(key);
      // What was busy is given to nobody before we join again without it.
      reader.isRevoked = !isAssigned;
      if (!isAssigned && (reader.isFrozen || !isContinuous)) this.#drop(reader);
      reader.isFrozen = false;
      reader.isDoubtful = !isContinuous;
    }
    const known = [...this.#readers.values()];
    const open = [
      ...partitions.filter(place => !this.#readers.has(keyOf(place))),
      ...known.filter(({ isDoubtful }) => isDoubtful),
    ];
    if (open.length > 0) void this.#lookUp(open);
    for (const reader of known) if (reader.isRevoked) this.#letGo(reader);
    // What was finished while the group shared out anew.
    this.#committer.touch();
    this.#fetcher.wake();
  }

  /** What came while the group shared out anew, or was not sure of us, was handed to nobody. */
  #resume(): void {
    for (const reader of this.#readers.values()) if (reader.isOpen) this.#options.ready(reader);
  }

  /** Gives a partition up that somebody else is to have: once its last job is done, and after a while in any case. */
  #letGo(reader: PartitionReader): void {
    const assignment = this.#assignment;
    if (reader.leased === 0) {
      void this.#giveUp(reader);
      return;
    }
    const late = setTimeout(() => {
      if (this.#assignment === assignment) void this.#giveUp(reader);
    }, this.#options.sessionTimeoutMs);
    late.unref();
  }

  async #giveUp(reader: PartitionReader): Promise<void> {
    await this.#committer.flush(ANSWER_MS);
    if (!reader.isRevoked || !reader.isOurs) return;
    this.#drop(reader);
    if (![...this.#readers.values()].some(({ isRevoked, leased }) => isRevoked && leased === 0))
      this.#membership.rejoin();
  }

  #drop(reader: PartitionReader): void {
    if (!reader.isOurs) return;
    reader.isOurs = false;
    this.#readers.delete(keyOf(reader));
    this.#troubles.over(keyOf(reader));
    this.#options.lost(reader);
  }

  /** Finds out from where partitions are to be read, until it is known or they are not ours any more. */
  async #lookUp(places: readonly Place[]): Promise<void> {
    const { cluster } = this.#options;
    const assignment = this.#assignment;
    const isOver = () => this.#assignment !== assignment || this.#isStopped;
    let open = places;
    for (let pause = PAUSE_MS; open.length > 0; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      try {
        const names = [...new Set(open.map(({ topic }) => topic))];
        const topics = await cluster.topics(names, { timeoutMs: ANSWER_MS, maxAgeMs: 0 });
        // One that the leader of the group has seen may not be known everywhere yet.
        const there = open.filter(({ topic, partition }) => partition < (topics.get(topic)?.partitions.length ?? 0));
        const [committed, ranges] = await Promise.all([
          this.#membership.committed(there, ANSWER_MS),
          logRanges(cluster, there, ANSWER_MS),
        ]);
        if (isOver()) return;
        this.#troubles.over('look-up');
        for (const place of there) {
          const topic = topics.get(place.topic);
          const range = ranges.get(place);
          if (topic !== undefined && range !== undefined) this.#open(place, topic, committed.get(place), range);
        }
        this.#fetcher.wake();
        open = open.filter(place => !there.includes(place));
        if (names.some(name => !topics.has(name))) void this.#lookAtTopics();
      } catch (error) {
        if (isOver()) return;
        this.#failed('look-up', error);
      }
      if (open.length > 0) await elapse(pause);
      if (isOver()) return;
    }
  }

  /** Begins to read a partition, or goes on if nobody else had it meanwhile. */
  #open(place: Place, topic: Topic, committed: Commit | undefined, range: LogRange): void {
    const key = keyOf(place);
    const reader = this.#readers.get(key);
    if (reader !== undefined) {
      if (!reader.isDoubtful) return;
      if (reader.topicId === topic.id && isSame(this.#committer.said(reader.ledger), committed)) {
        reader.isDoubtful = false;
        this.#options.ready(reader);
        return;
      }
      this.#drop(reader);
    }
    const ledger = this.#ledgerFor(place, topic, committed, range);
    const opened = new PartitionReader({ ...place, topicId: topic.id }, ledger, {
      changed: changed => this.#options.ready(changed),
      outOfRange: (cut, cutAt) => {
        this.#drop(cut);
        void this.#lookUp([{ topic: cut.topic, partition: cut.partition, cutAt }]);
      },
    });
    this.#committer.begin(ledger, committed);
    this.#readers.set(key, opened);
    this.#options.ready(opened);
  }

  #ledgerFor(place: Place, { id }: Topic, committed: Commit | undefined, { start, end }: LogRange): Ledger {
    const { maxUncommitted, report, queue } = this.#options;
    const from = (offset: number, ahead: readonly number[] = []) => new Ledger(id, maxUncommitted, offset, ahead);
    const ahead = committed === undefined ? undefined : finishedAhead(committed, id);
    const warn = (message: string) => report({ level: 'warning', code: 'log-cut', message, queue });
    const where = `Partition ${place.partition} of ${place.topic}`;
    // Nothing was ever finished, or it was a topic that is gone.
    if (committed === undefined || ahead === undefined) {
      if (place.cutAt !== undefined)
        warn(`${where} was cut while it was read. What is there now is read, from ${start} on`);
      return from(start);
    }
    const { offset } = committed;
    if (offset > end) {
      warn(`${where} ends at ${end}, and ${offset} is committed: its log was cut. It is read from its start again`);
      return from(start);
    }
    const cutAt = Math.max(start, place.cutAt ?? Infinity);
    if (offset > cutAt) {
      warn(`${where} was cut at ${cutAt}: what is there now is read`);
      return from(cutAt);
    }
    if (offset < start)
      warn(`${where} begins at ${start}, and jobs from ${offset} on were not finished: somebody has removed them`);
    const first = Math.max(offset, start);
    return from(
      first,
      ahead.filter(finished => finished >= first && finished < Math.min(cutAt, end)),
    );
  }

  /** A topic was deleted, made again, or has more partitions than we knew. */
  async #lookAtTopics(): Promise<void> {
    if (this.#isLooking || this.#isStopped) return;
    this.#isLooking = true;
    const { topics, cluster } = this.#options;
    try {
      topics.forget();
      await topics.ensure(ANSWER_MS);
      const { main, delay } = topics.names;
      const known = await cluster.topics([main, delay], { timeoutMs: ANSWER_MS, maxAgeMs: 0 });
      const gone = [...this.#readers.values()].filter(reader => known.get(reader.topic)?.id !== reader.topicId);
      for (const reader of gone) this.#drop(reader);
      const missing = this.#assigned.filter(place => !this.#readers.has(keyOf(place)));
      if (gone.length > 0 && missing.length > 0) void this.#lookUp(missing);
      // The group may have to share out another number of partitions.
      if (gone.length > 0) this.#membership.rejoin();
    } catch (error) {
      this.#failed('look-up', error);
    } finally {
      this.#isLooking = false;
    }
  }

  #failed(activity: Activity, error: unknown): void {
    this.#troubles.failed(activity, error);
    if (this.trouble !== undefined) this.#options.troubled(error);
  }
}

function keyOf({ topic, partition }: TopicPartition): PartitionName {
  return `${topic}/${partition}`;
}

function isSame(one: Commit | undefined, other: Commit | undefined): boolean {
  return one?.offset === other?.offset && one?.metadata === other?.metadata;
}
