import type { Cluster } from '../kafka/cluster.ts';
import { BrokerError, nameOfCode } from '../kafka/errors.ts';
import { type FetchedPartition, type FetchPartition, type FetchTopic, fetchV13 } from '../kafka/raw-apis.ts';

/** A partition that is read by us. */
export interface FetchTarget {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** The offset that comes next. */
  readonly position: number;
  /** The epoch of the leader that wrote the last record we read; -1: none yet. */
  readonly lastEpoch: number;
  /** It has room, and nobody has said that it is to wait. */
  readonly wantsMore: boolean;
  /** For how long after it was appended nothing in it is needed, in ms. */
  readonly restMs: number;
  accept(fetched: FetchedPartition): void;
  /** The log does not have this position, or what we have read from this offset on is not in it. */
  outOfRange(from: number): void;
}

export interface FetcherOptions {
  readonly cluster: Cluster;
  /** The group, which makes the links of one queue its own. */
  readonly group: string;
  readonly targets: () => Iterable<FetchTarget>;
  /** The topic was deleted, and maybe made again. */
  readonly topicGone: (topic: string) => void;
  /** Of one partition, or of all. */
  readonly failed: (error: unknown, place?: FetchTarget) => void;
  readonly succeeded: (place?: FetchTarget) => void;
}

/** How long a broker may hold a fetch that finds nothing. */
const LONGEST_WAIT_MS = 5000;
/** And one that is beside another: it keeps a connection that others may need. */
const SHORT_WAIT_MS = 100;
const ANSWER_MS = 5000;
const PARTITION_BYTES = 512 * 1024;
const FETCH_BYTES = 4 * 1024 * 1024;
const LANES = [0, 1, 2];
const PAUSE_MS = 100;
/** By then a fetch that was to end has ended. */
const LATE_MS = 50;
const LONG_PAUSE_MS = 2000;

const GONE = new Set(['UNKNOWN_TOPIC_ID', 'INCONSISTENT_TOPIC_ID', 'UNKNOWN_TOPIC_OR_PARTITION']);
const MOVED = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'LEADER_NOT_AVAILABLE',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'REPLICA_NOT_AVAILABLE',
  'KAFKA_STORAGE_ERROR',
  'OFFSET_NOT_AVAILABLE',
]);

/** A fetch under way. */
interface Flight {
  readonly node: number;
  readonly lane: number;
  /** It has all that there was to read, so that nobody waits for it. What rests is for the next one, which begins in time. */
  readonly isLong: boolean;
}

/**
 * Reads the partitions that have room: one fetch for each broker, held there until there is something. A partition that gets room
 * while one is under way cannot be added to it, so it gets a fetch of its own, on a connection of its own, which is held for a moment
 * only. Once the first has ended the next has all of them. Nothing is asked for a partition that is full or waits.
 *
 * A broker looks at each partition of a fetch several times, so while there is much to read those are left out that nothing is needed
 * of for a while: the longer delays.
 */
export class Fetcher {
  readonly #options: FetcherOptions;
  readonly #flights = new Map<FetchTarget, Flight>();
  readonly #open = new Set<Flight>();
  /** Those that a fetch has found nothing in. */
  readonly #hadNothing = new WeakSet<FetchTarget>();
  /** Until when it may be left out: a fetch that found something elsewhere has found nothing in it. */
  readonly #restsUntil = new WeakMap<FetchTarget, number>();
  /** Not before this time: what failed is not asked at once again. */
  readonly #notBefore = new Map<string, number>();
  /** Which of a fetch is named first: brokers give the first a batch of any size, and others what room is left. */
  #turn = 0;
  #timer: NodeJS.Timeout | undefined;
  #isAwake = false;
  #isStopped = false;

  constructor(options: FetcherOptions) {
    this.#options = options;
  }

  /** Something has room now, or was assigned. What is here is handed out first: to write a request takes longer than to start a job. */
  wake(): void {
    if (this.#isAwake || this.#isStopped) return;
    this.#isAwake = true;
    setImmediate(() => {
      this.#isAwake = false;
      this.#start();
    });
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    for (const lane of LANES) this.#options.cluster.closeLinks(this.#purpose(lane));
  }

  #purpose(lane: number): string {
    return `fetch ${lane} ${this.#options.group}`;
  }

  #start(): void {
    if (this.#isStopped) return;
    const { cluster, targets } = this.#options;
    const now = performance.now();
    const byLeader = new Map<number, FetchTarget[]>();
    let next = Infinity;
    let wakesUp = Infinity;
    let unknown = false;
    for (const target of targets()) {
      if (!target.wantsMore || this.#flights.has(target)) continue;
      const notBefore = this.#notBefore.get(placeOf(target)) ?? 0;
      if (notBefore > now) {
        next = Math.min(next, notBefore);
        continue;
      }
      this.#notBefore.delete(placeOf(target));
      const restsUntil = this.#restsUntil.get(target) ?? 0;
      if (restsUntil > now) {
        wakesUp = Math.min(wakesUp, restsUntil);
        continue;
      }
      const node = cluster.known(target.topic)?.partitions[target.partition]?.node ?? -1;
      if (node < 0) unknown = true;
      else byLeader.set(node, [...(byLeader.get(node) ?? []), target]);
    }
    const longestMs = Math.min(LONGEST_WAIT_MS, Math.ceil(wakesUp - now));
    for (const [node, those] of byLeader) this.#fetchFrom(node, those, longestMs);
    if (unknown) this.#findLeaders();
    next = Math.min(next, wakesUp + LATE_MS);
    if (next < Infinity) this.#wakeAt(next);
  }

  #fetchFrom(node: number, those: readonly FetchTarget[], longestMs: number): void {
    const lanes = [...this.#open].filter(flight => flight.node === node);
    const lane = LANES.find(free => lanes.every(flight => flight.lane !== free));
    // The next that ends takes them along.
    if (lane === undefined) return;
    // What had nothing a moment ago waits for the short ones to end, so that the next can have all of them.
    const areShort = lanes.length > 0 && lanes.every(({ isLong }) => !isLong);
    if (areShort && those.every(target => this.#hadNothing.has(target))) return;
    const flight: Flight = { node, lane, isLong: lanes.length === 0 };
    const waitMs = flight.isLong ? longestMs : SHORT_WAIT_MS;
    this.#open.add(flight);
    for (const target of those) this.#flights.set(target, flight);
    void this.#fetch(flight, those, waitMs).finally(() => {
      this.#open.delete(flight);
      for (const target of those) if (this.#flights.get(target) === flight) this.#flights.delete(target);
      this.wake();
    });
  }

  async #fetch({ node, lane, isLong }: Flight, those: readonly FetchTarget[], waitMs: number): Promise<void> {
    const { cluster, failed } = this.#options;
    const asked = new Map(those.map(target => [`${target.topicId}/${target.partition}`, target]));
    const positions = new Map(those.map(target => [target, target.position]));
    try {
      const link = cluster.link(node, this.#purpose(lane), LONGEST_WAIT_MS + ANSWER_MS);
      const request: [number, number, number, FetchTopic[]] = [
        waitMs,
        1,
        FETCH_BYTES,
        topicsOf(this.#inTurn(those), cluster),
      ];
      const answer = await link.call('a fetch', fetchV13, request, waitMs + ANSWER_MS);
      if (this.#isStopped) return;
      this.#options.succeeded();
      const mayRest = isLong && answer.some(({ records }) => records.length > 0);
      for (const fetched of answer) {
        const target = asked.get(`${fetched.topicId}/${fetched.partition}`);
        if (target !== undefined && mayRest) this.#rest(target, fetched);
        // What was read from another place than it wants now is of no use.
        if (target !== undefined && positions.get(target) === target.position) this.#arrived(target, fetched);
      }
    } catch (error) {
      if (this.#isStopped) return;
      failed(error);
      for (const target of those) this.#pause(target, PAUSE_MS);
      for (const topic of new Set(those.map(target => target.topic))) cluster.isStale(topic);
      this.#findLeaders();
    }
  }

  #inTurn(those: readonly FetchTarget[]): FetchTarget[] {
    this.#turn = (this.#turn + 1) % those.length;
    return [...those.slice(this.#turn), ...those.slice(0, this.#turn)];
  }

  #arrived(target: FetchTarget, fetched: FetchedPartition): void {
    const { cluster, topicGone, failed } = this.#options;
    if (fetched.errorCode === 0) {
      if (fetched.divergingEpoch !== undefined) target.outOfRange(fetched.divergingEpoch.endOffset);
      else this.#accept(target, fetched);
      return;
    }
    const code = nameOfCode(fetched.errorCode);
    if (code === 'OFFSET_OUT_OF_RANGE') {
      this.#pause(target, PAUSE_MS);
      target.outOfRange(Infinity);
    } else if (GONE.has(code)) {
      this.#pause(target, PAUSE_MS);
      topicGone(target.topic);
    } else if (MOVED.has(code)) {
      this.#pause(target, PAUSE_MS);
      cluster.isStale(target.topic);
      this.#findLeaders();
    } else {
      this.#pause(target, LONG_PAUSE_MS);
      const right = code === 'TOPIC_AUTHORIZATION_FAILED' ? 'allow Read on the topic' : undefined;
      failed(new BrokerError(`to read partition ${target.partition} of ${target.topic}`, code, right), target);
    }
  }

  #accept(target: FetchTarget, fetched: FetchedPartition): void {
    if (fetched.records.length === 0) this.#hadNothing.add(target);
    else this.#hadNothing.delete(target);
    try {
      target.accept(fetched);
      this.#options.succeeded(target);
    } catch (error) {
      // What is corrupt now may be read from another replica once it leads.
      this.#pause(target, LONG_PAUSE_MS);
      this.#options.failed(error, target);
    }
  }

  #rest(target: FetchTarget, { records }: FetchedPartition): void {
    if (records.length === 0 && target.restMs > 0) this.#restsUntil.set(target, performance.now() + target.restMs);
  }

  #pause(target: FetchTarget, ms: number): void {
    this.#notBefore.set(placeOf(target), performance.now() + ms);
  }

  #findLeaders(): void {
    const { cluster, targets, failed } = this.#options;
    const topics = [...new Set([...targets()].map(({ topic }) => topic))];
    const again = (ms: number) => this.#wakeAt(performance.now() + ms);
    cluster.topics(topics, { timeoutMs: ANSWER_MS, maxAgeMs: PAUSE_MS }).then(
      () => again(PAUSE_MS),
      error => {
        failed(error);
        again(5 * PAUSE_MS);
      },
    );
  }

  #wakeAt(time: number): void {
    clearTimeout(this.#timer);
    if (this.#isStopped) return;
    this.#timer = setTimeout(() => this.wake(), Math.max(1, time - performance.now()));
  }
}

function topicsOf(targets: readonly FetchTarget[], cluster: Cluster): FetchTopic[] {
  const topics = new Map<string, FetchPartition[]>();
  for (const target of targets) {
    const partitions = topics.get(target.topicId) ?? [];
    topics.set(target.topicId, partitions);
    partitions.push(partitionOf(target, cluster));
  }
  return [...topics].map(([topicId, partitions]) => ({ topicId, partitions }));
}

function partitionOf({ topic, partition, position, lastEpoch }: FetchTarget, cluster: Cluster): FetchPartition {
  return {
    partition,
    currentLeaderEpoch: cluster.known(topic)?.partitions[partition]?.epoch ?? -1,
    fetchOffset: position,
    lastFetchedEpoch: lastEpoch,
    partitionMaxBytes: PARTITION_BYTES,
  };
}

function placeOf({ topicId, partition }: FetchTarget): string {
  return `${topicId}/${partition}`;
}
