import { setTimeout as elapse } from 'node:timers/promises';
import { Deadline } from './in-time.ts';
import type { Cluster } from './kafka/cluster.ts';
import { BrokerError, NoAnswerError, NotSentError } from './kafka/errors.ts';
import type { Producer } from './kafka/producer.ts';
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

  /** One outcome for each, in the same order: `undefined` for stored. Never rejects. Topics that somebody has deleted are made again. */
  async move(destinations: readonly Destination[], timeoutMs: number): Promise<(Error | undefined)[]> {
    const deadline = new Deadline(timeoutMs);
    const errors = await this.#moveOnce(destinations, timeoutMs);
    while (errors.some(isTopicGone) && !deadline.isOver) {
      this.#topics.forget();
      const left = errors.flatMap((error, index) => (isTopicGone(error) ? [index] : []));
      const again = await this.#moveOnce(
        left.map(index => destinations[index] as Destination),
        Math.max(1, deadline.left),
      );
      for (const [n, index] of left.entries()) errors[index] = again[n];
      if (again.some(isTopicGone)) await elapse(Math.min(PAUSE_MS, deadline.left));
    }
    return errors;
  }

  async #moveOnce(destinations: readonly Destination[], timeoutMs: number): Promise<(Error | undefined)[]> {
    const errors = destinations.map((): Error | undefined => undefined);
    if (destinations.length === 0) return errors;
    const deadline = new Deadline(timeoutMs);
    try {
      await this.#topics.ensure(timeoutMs);
      await this.#store(this.#place(destinations), this.#topics.maxBatchBytes, deadline, errors);
    } catch (error) {
      // Whatever was not answered there, nothing was produced yet.
      return errors.fill(error instanceof NoAnswerError ? new NotSentError('A produce', error) : (error as Error));
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
      batches.map(({ batch }) => batch),
      Math.max(1, deadline.left),
    );
    const large: number[] = [];
    for (const [n, { indexes }] of batches.entries()) {
      const error = outcomes[n];
      for (const index of indexes) errors[places[index] ?? -1] = error;
      if (indexes.length > 1 && error instanceof BrokerError && error.code === 'MESSAGE_TOO_LARGE')
        large.push(...indexes);
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
    const leaders = this.#cluster.known(main)?.partitions ?? [];
    const led = leaders.flatMap(({ node }, partition) => (node < 0 ? [] : [partition]));
    // Where none has a leader they wait for one.
    const spread = this.#placement.spread(now, led.length > 0 ? led : [...leaders.keys()]);
    let next = 0;
    return destinations.map(destination => {
      const { record } = destination;
      if (destination.kind === 'dead') return { topic: dead, partition: 0, record };
      if (destination.kind === 'now') return { topic: main, partition: spread[next++] ?? 0, record };
      return { topic: delay, partition: this.#topics.stepFor(destination.waitMs), record };
    });
  }
}

function isTopicGone(error: Error | undefined): boolean {
  return error instanceof BrokerError && error.code.startsWith('UNKNOWN_TOPIC');
}
