import { setTimeout as elapse } from 'node:timers/promises';
import { Deadline } from './in-time.ts';
import type { Cluster } from './kafka/cluster.ts';
import { BrokerError } from './kafka/errors.ts';
import { type Batch, type Producer, UnwellError } from './kafka/producer.ts';
import type { RecordToWrite } from './kafka/record-batch-writer.ts';
import { batchesOf, Placement, type PlacedRecord } from './placement.ts';
import type { QueueTopics } from './queue-topics.ts';

const PAUSE_MS = 100;

/** Where a record is to be stored. */
export type Destination =
  | { readonly kind: 'now'; readonly record: RecordToWrite }
  /** Not due for so long, in ms. */
  | { readonly kind: 'later'; readonly waitMs: number; readonly record: RecordToWrite }
  | { readonly kind: 'dead'; readonly record: RecordToWrite };

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
   * One outcome for each, in the same order: `undefined` for stored. Never rejects. Topics that somebody has deleted are made again,
   * and what a partition does not take goes to another one.
   */
  async move(destinations: readonly Destination[], timeoutMs: number): Promise<(Error | undefined)[]> {
    const deadline = new Deadline(timeoutMs);
    const errors = await this.#moveOnce(destinations, timeoutMs);
    for (;;) {
      const again = errors.flatMap((error, index) =>
        isTopicGone(error) || error instanceof UnwellError ? [index] : [],
      );
      if (again.length === 0 || deadline.isOver) return errors;
      const wasGone = errors.some(isTopicGone);
      if (wasGone) this.#topics.forget();
      const outcomes = await this.#moveOnce(
        again.map(index => destinations[index] as Destination),
        Math.max(1, deadline.left),
      );
      for (const [n, index] of again.entries()) errors[index] = outcomes[n];
      if (wasGone && outcomes.some(isTopicGone)) await elapse(Math.min(PAUSE_MS, deadline.left));
    }
  }

  async #moveOnce(destinations: readonly Destination[], timeoutMs: number): Promise<(Error | undefined)[]> {
    const errors = destinations.map((): Error | undefined => undefined);
    if (destinations.length === 0) return errors;
    const deadline = new Deadline(timeoutMs);
    try {
      await this.#topics.ensure(timeoutMs);
      await this.#store(this.#place(destinations), this.#topics.maxBatchBytes, deadline, errors);
    } catch (error) {
      return errors.fill(error as Error);
    }
    return errors;
  }

  /** What is too large for a topic together may fit in smaller batches. */
  async #store(
    records: readonly PlacedRecord[],
    maxBatchBytes: number,
    deadline: Deadline,
    errors: (Error | undefined)[],
    places: readonly number[] = records.map((_, index) => index),
  ): Promise<void> {
    const batches = batchesOf(records, maxBatchBytes);
    const outcomes = await this.#producer.produce(
      batches.map(({ batch }) => ({ ...batch, canMove: () => this.#canMove(batch) })),
      Math.max(1, deadline.left),
    );
    const large: number[] = [];
    for (const [n, { indexes }] of batches.entries()) {
      const error = outcomes[n];
      for (const index of indexes) errors[places[index] ?? -1] = error;
      if (indexes.length > 1 && isTooLarge(error)) large.push(...indexes);
    }
    if (large.length === 0) return;
    const smaller = large.map(index => records[index] as PlacedRecord);
    await this.#store(
      smaller,
      Math.ceil(maxBatchBytes / 4),
      deadline,
      errors,
      large.map(index => places[index] as number),
    );
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
    return [...leaders.keys()].filter(
      partition => (leaders[partition]?.node ?? -1) >= 0 && this.#producer.isWell(topic, partition),
    );
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
