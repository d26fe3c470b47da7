import { setTimeout as elapse } from 'node:timers/promises';
import { Deadline } from './in-time.ts';
import type { Cluster } from './kafka/cluster.ts';
import { BrokerError, NotSentError } from './kafka/errors.ts';
import type { Producer } from './kafka/producer.ts';
import type { RecordToWrite } from './kafka/record-batch-writer.ts';
import { type Batch, UnwellError } from './kafka/shipment.ts';
import { batchesOf, Placement, type PlacedRecord } from './placement.ts';
import type { QueueTopics } from './queue-topics.ts';

const PAUSE_MS = 100;
const OTHERS = new Error('the job is that of another worker by now');

/** Where a record is to be stored. */
export type Destination =
  | { readonly kind: 'now'; readonly record: RecordToWrite }
  /** Not due for so long, in ms. */
  | { readonly kind: 'later'; readonly waitMs: number; readonly record: RecordToWrite }
  | { readonly kind: 'dead'; readonly record: RecordToWrite };

/** Who moves jobs that others move once they have the partition. */
export interface Owner {
  /** Whether we have what we have for certain. */
  readonly holds: () => boolean;
  /** Whether a job was not given to another, as far as we know. */
  readonly has: (index: number) => boolean;
}

const ANYBODY: Owner = { holds: () => true, has: () => true };

/** One call of `move`. */
interface Move {
  readonly owner: Owner;
  readonly destinations: readonly Destination[];
  readonly deadline: Deadline;
  readonly tell: (index: number, error: Error | undefined) => void;
  wasGone?: boolean;
}

/** Stores records in the topics of one queue: jobs, jobs that wait, dead letters. */
export class Mover {
  readonly #cluster: Cluster;
  readonly #producer: Producer;
  readonly #topics: QueueTopics;
  readonly #placement = new Placement();

  constructor(cluster: Cluster, producer: Producer, topics: QueueTopics) {
    this.#cluster = cluster;
    this.#producer = producer;
    this.#topics = topics;
  }

  /**
   * Tells of each what became of it as soon as that is known: `undefined` for stored. Resolves once all are told, and never rejects.
   * Topics that somebody has deleted are made again, and what a partition does not take goes to another one. `owner`: whoever has to
   * move them, and stops if that is another by now.
   */
  move(
    destinations: readonly Destination[],
    timeoutMs: number,
    tell: (index: number, error: Error | undefined) => void,
    owner: Owner = ANYBODY,
  ): Promise<void> {
    const move: Move = { destinations, deadline: new Deadline(timeoutMs), tell, owner };
    return destinations.length === 0 ? Promise.resolve() : this.#start(move, [...destinations.keys()]);
  }

  async #start(move: Move, indexes: readonly number[]): Promise<void> {
    try {
      await this.#topics.ensure(Math.max(1, move.deadline.left));
    } catch (error) {
      for (const index of indexes) move.tell(index, error as Error);
      return;
    }
    const ours: number[] = [];
    for (const index of indexes) {
      if (move.owner.has(index)) ours.push(index);
      else move.tell(index, new NotSentError('A produce', OTHERS));
    }
    const placed = this.#place(ours.map(index => move.destinations[index] as Destination));
    await this.#store(move, placed, ours, this.#topics.maxBatchBytes);
  }

  /** `indexes`: which of the destinations the records are of. */
  async #store(
    move: Move,
    records: readonly PlacedRecord[],
    indexes: readonly number[],
    maxBatchBytes: number,
  ): Promise<void> {
    await Promise.all(
      batchesOf(records, maxBatchBytes).map(async ({ batch, indexes: places }) => {
        const those = places.map(place => indexes[place] as number);
        const { holds, has } = move.owner;
        const canMove = () => this.#canMove(batch);
        const mayGo = () => (!those.some(has) ? 'never' : holds() ? 'now' : 'later');
        const error = await this.#producer.produce({ ...batch, canMove, mayGo }, Math.max(1, move.deadline.left));
        // What is too large for a topic together may fit in smaller batches.
        if (those.length > 1 && isTooLarge(error)) {
          const smaller = places.map(place => records[place] as PlacedRecord);
          return this.#store(move, smaller, those, Math.ceil(maxBatchBytes / 4));
        }
        if (error instanceof UnwellError && !move.deadline.isOver) return this.#start(move, those);
        if (isTopicGone(error) && !move.deadline.isOver) return this.#makeAgain(move, those);
        for (const index of those) move.tell(index, error);
      }),
    );
  }

  async #makeAgain(move: Move, indexes: readonly number[]): Promise<void> {
    this.#topics.forget();
    // It may take a moment until all brokers know.
    if (move.wasGone === true) await elapse(Math.min(PAUSE_MS, move.deadline.left));
    move.wasGone = true;
    await this.#start(move, indexes);
  }

  #place(destinations: readonly Destination[]): PlacedRecord[] {
    const { main, delay, dead } = this.#topics.names;
    const now = destinations.filter(({ kind }) => kind === 'now').length;
    const spread = this.#placement.spread(now, this.#choice(main));
    const steps = now < destinations.length ? this.#well(delay) : [];
    let next = 0;
    return destinations.map(destination => {
      const { record } = destination;
      if (destination.kind === 'now') return { topic: main, partition: spread[next++] ?? 0, record };
      if (destination.kind === 'dead') return { topic: dead, partition: this.#choice(dead)[0] ?? 0, record };
      const step = this.#topics.stepFor(destination.waitMs);
      // A shorter one, with more hops, if that takes nothing.
      const partition = steps.findLast(well => well <= step) ?? step;
      return { topic: delay, partition, record };
    });
  }

  /** Where records of a topic may go. Where nobody takes them they wait for somebody who will. */
  #choice(topic: string): readonly number[] {
    const well = this.#well(topic);
    return well.length > 0 ? well : [...(this.#cluster.known(topic)?.partitions.keys() ?? [])];
  }

  #well(topic: string): number[] {
    const leaders = this.#cluster.known(topic)?.partitions ?? [];
    return [...leaders.keys()].filter(partition => this.#producer.isWell(topic, partition));
  }

  #canMove({ topic, partition }: Batch): boolean {
    const isDelay = topic === this.#topics.names.delay;
    return this.#well(topic).some(other => (isDelay ? other < partition : other !== partition));
  }
}

/** The second: for a segment of the log. */
function isTooLarge(error: Error | undefined): boolean {
  return error instanceof BrokerError && ['MESSAGE_TOO_LARGE', 'RECORD_LIST_TOO_LARGE'].includes(error.code);
}

function isTopicGone(error: Error | undefined): boolean {
  return error instanceof BrokerError && error.code.startsWith('UNKNOWN_TOPIC');
}
