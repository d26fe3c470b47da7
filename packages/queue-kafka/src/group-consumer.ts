import { setTimeout as elapse } from 'node:timers/promises';
import type { AdapterContext } from '@switchyard/queue-api';
import type { Claim } from './group/assignor.ts';
import { claimsOf } from './group/claims.ts';
import type { Continuity } from './group/continuity.ts';
import type { CommittedOffset } from './group/group-offsets.ts';
import { Handover } from './group/handover.ts';
import { Membership } from './group/membership.ts';
import { Deadline } from './in-time.ts';
import type { Cluster, Topic } from './kafka/cluster.ts';
import { knownLogRanges, type LogRange, type TopicPartition } from './kafka/offsets.ts';
import { Committer } from './log/committer.ts';
import { Fetcher } from './log/fetcher.ts';
import type { Commit } from './log/ledger.ts';
import { PartitionReader } from './log/partition-reader.ts';
import { startingPoint } from './log/starting-point.ts';
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

/** What may fail by itself, also the reading of one partition, by its name. */
type Activity = 'group' | 'fetch' | 'commit' | 'look-up' | PartitionName;

type PartitionName = `${string}/${number}`;

const ANSWER_MS = 5000;
/** The whole group waits for it. */
const CLAIM_MS = 1000;
const PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 2000;
const LONGEST_REST_MS = 5000;

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
  readonly #handover: Handover;
  readonly #readers = new Map<PartitionName, PartitionReader>();
  /** Those that are assigned, also while they are looked up. */
  #assigned: readonly TopicPartition[] = [];
  /** Changes with every assignment: what was begun under an older one is of no use. */
  #assignment = 0;
  readonly #troubles = new Troubles<Activity>();
  /** What we said was busy when we joined. */
  #claimedBusy: ReadonlySet<PartitionName> = new Set();
  /** Where a log was cut that has to be looked up. */
  readonly #cuts = new Map<PartitionName, number>();
  /** The group shares out anew: who has what is not known. */
  #isJoining = false;
  #isLooking = false;
  /** Nobody will ask for jobs here: others are to have each partition as soon as nothing of it runs. */
  #isStandingBy = false;
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
      claim: mayGo => this.#claim(mayGo),
      assigned: (partitions, continuity) => this.#assign(partitions, continuity),
      resumed: () => this.#resume(),
      keptAfterAll: () => this.#keepAfterAll(),
      lost: () => this.#assign([], 'lost'),
      failed: error => this.#failed('group', error),
      succeeded: () => this.#troubles.over('group'),
    });
    this.#handover = new Handover({
      committer: this.#committer,
      sessionTimeoutMs: options.sessionTimeoutMs,
      readers: () => this.#readers.values(),
      rejoin: () => this.#membership.rejoin(),
      ready: options.ready,
      drop: reader => this.#drop(reader),
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
    if (!reader.isOurs) return;
    if (reader.isRevoked) void this.#handover.giveUp(reader);
    else if (this.#isStandingBy && this.#membership.others.isAnyThere) this.#membership.rejoin();
  }

  /** Whether somebody in the group waits for jobs, as far as we know. */
  get isAnyHungry(): boolean {
    return this.#membership.others.isAnyHungry;
  }

  /** Whether handlers wait for jobs. The group shares out anew. */
  tellHunger(isHungry: boolean): void {
    this.#isHungry = isHungry;
    this.#membership.rejoin();
  }

  /** The group shares out anew if that is news. */
  set isStandingBy(isStandingBy: boolean) {
    if (this.#isStandingBy === isStandingBy) return;
    this.#isStandingBy = isStandingBy;
    this.#membership.rejoin();
  }

  committedOf(reader: PartitionReader): Commit | undefined {
    return this.#committer.said(reader.ledger);
  }

  /** Commits what is finished and leaves the group. Never rejects. */
  async leave(timeoutMs: number): Promise<void> {
    const deadline = new Deadline(timeoutMs);
    this.#isStopped = true;
    this.#fetcher.stop();
    // A commit needs a membership that is certain, and a rebalance may be under way.
    for (let isMember = true; isMember && deadline.left > timeoutMs / 4;) {
      isMember = await this.#membership.confirm(deadline.left / 2).catch(() => false);
      if (isMember && (await this.#committer.flush(deadline.left / 2))) break;
      await elapse(Math.min(PAUSE_MS, deadline.left));
    }
    this.#committer.stop();
    this.#assign([], 'lost');
    await this.#membership.leave(Math.max(1, deadline.left));
  }

  /**
   * What is idle is committed, and held back from now on if `mayGo`: then it may be given to another. Otherwise we say that all of it
   * is busy, and what was held back stays so until it is certain that nobody has it.
   */
  async #claim(mayGo: boolean): Promise<Omit<Claim, 'generation'>> {
    // What is being looked up is looked up again once it is known whose it is.
    this.#assignment += 1;
    this.#isJoining = true;
    if (mayGo) for (const reader of this.#readers.values()) reader.isFrozen = reader.leased === 0;
    if (this.#readers.size > 0) await this.#committer.flush(CLAIM_MS);
    for (const reader of this.#readers.values()) {
      // What is not committed would run again elsewhere.
      reader.isFrozen &&= !this.#committer.isDirty(reader.ledger);
      reader.wasOffered ||= reader.isFrozen;
    }
    const owned = claimsOf(this.#readers.values(), mayGo);
    this.#claimedBusy = new Set(owned.flatMap(({ topic, busy }) => busy.map(partition => keyOf({ topic, partition }))));
    return { owned, isHungry: this.#isHungry, isStandingBy: this.#isStandingBy };
  }

  /** What was held back for others is handed out: the share takes long, and nobody else will get it. */
  #keepAfterAll(): void {
    for (const reader of this.#readers.values()) {
      reader.isFrozen = false;
      reader.wasOffered = false;
    }
    this.#resume();
  }

  #assign(partitions: readonly TopicPartition[], continuity: Continuity): void {
    this.#assignment += 1;
    this.#isJoining = false;
    this.#assigned = partitions;
    const places = new Set(partitions.map(keyOf));
    for (const key of this.#cuts.keys()) if (!places.has(key)) this.#cuts.delete(key);
    for (const [key, reader] of this.#readers) {
      const isAssigned = places.has(key);
      // What we called busy is given to nobody before we join again without it.
      const mayHaveGone = reader.isFrozen || (continuity === 'gap' && reader.wasOffered);
      const isKept = !mayHaveGone && continuity !== 'lost';
      if (!isAssigned && !isKept) this.#drop(reader);
      if (!isAssigned) reader.revokedAt ??= performance.now();
      else if (reader.isRevoked) reader.keep();
      reader.isDoubtful ||= !isKept && continuity !== 'next';
      reader.isFrozen = false;
      reader.wasOffered = false;
    }
    const known = [...this.#readers.values()];
    const open = [
      ...partitions.filter(place => !this.#readers.has(keyOf(place))),
      ...known.filter(({ isDoubtful }) => isDoubtful),
    ];
    if (open.length > 0) void this.#lookUp(open);
    for (const reader of known) if (reader.isRevoked) this.#handover.letGo(reader);
    // The others wait for what we said was busy, and is not here any more.
    const isGone = (key: PartitionName) => !places.has(key) && !this.#readers.has(key);
    if (continuity !== 'lost' && [...this.#claimedBusy].some(isGone)) this.#membership.rejoin();
    this.#claimedBusy = new Set();
    // What was finished while the group shared out anew.
    this.#committer.touch();
    this.#fetcher.wake();
  }

  /** What came while the group shared out anew, or was not sure of us, was handed to nobody. */
  #resume(): void {
    for (const reader of this.#readers.values()) if (reader.isOpen) this.#options.ready(reader);
  }

  #drop(reader: PartitionReader): void {
    if (!reader.isOurs) return;
    reader.isOurs = false;
    clearTimeout(reader.patience);
    this.#readers.delete(keyOf(reader));
    this.#troubles.over(keyOf(reader));
    this.#options.lost(reader);
  }

  /** Finds out from where partitions are to be read, until it is known or they are not ours any more. */
  async #lookUp(places: readonly TopicPartition[]): Promise<void> {
    // Whose it is comes first.
    if (this.#isJoining) return;
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
        const [committed, { ranges, failure }] = await Promise.all([
          this.#membership.committed(there, ANSWER_MS),
          knownLogRanges(cluster, there, ANSWER_MS),
        ]);
        if (isOver()) return;
        if (failure === undefined) this.#troubles.over('look-up');
        else this.#failed('look-up', failure);
        for (const place of there) {
          const topic = topics.get(place.topic);
          const range = ranges.get(place);
          if (topic !== undefined && range !== undefined) this.#open(place, topic, committed.get(place), range);
        }
        this.#fetcher.wake();
        open = open.filter(place => !ranges.has(place));
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
  #open(place: TopicPartition, topic: Topic, committed: CommittedOffset | undefined, range: LogRange): void {
    const key = keyOf(place);
    const reader = this.#readers.get(key);
    if (reader !== undefined) {
      if (!reader.isDoubtful) return;
      if (reader.topicId === topic.id && this.#committer.hasSaid(reader.ledger, committed)) {
        reader.isDoubtful = false;
        this.#committer.touch();
        this.#options.ready(reader);
        return;
      }
      this.#drop(reader);
      // It was ours only until its jobs are done: others wait for it.
      if (!this.#assigned.some(other => keyOf(other) === key)) {
        this.#membership.rejoin();
        return;
      }
    }
    const { maxUncommitted, report, queue } = this.#options;
    const cutAt = this.#cuts.get(key);
    this.#cuts.delete(key);
    const facts = { ...place, topicId: topic.id, range, committed, cutAt };
    const warn = (message: string) => report({ level: 'warning', code: 'log-cut', message, queue });
    const start = startingPoint(facts, maxUncommitted, warn);
    const opened = new PartitionReader({ ...place, topicId: topic.id, restMs: this.#restOf(place) }, start, {
      changed: changed => this.#options.ready(changed),
      roomy: () => this.#fetcher.wake(),
      outOfRange: (cut, from) => {
        this.#drop(cut);
        if (from < Infinity) this.#cuts.set(keyOf(cut), from);
        void this.#lookUp([{ topic: cut.topic, partition: cut.partition }]);
      },
    });
    this.#committer.begin(start.ledger, committed);
    this.#readers.set(key, opened);
    this.#options.ready(opened);
  }

  /** In the shortest step jobs may be due at once. */
  #restOf({ topic, partition }: TopicPartition): number {
    const { names, delaySteps } = this.#options.topics;
    return topic === names.delay && partition > 0 ? Math.min(LONGEST_REST_MS, (delaySteps[partition] ?? 0) / 2) : 0;
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
