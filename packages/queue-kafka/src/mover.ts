import type { Cluster } from './kafka/cluster.ts';
import { BrokerError } from './kafka/errors.ts';
import type { Producer } from './kafka/producer.ts';
import type { RecordToWrite } from './kafka/record-batch-writer.ts';
import { batchesOf, Placement, type PlacedRecord } from './placement.ts';
import type { QueueTopics } from './queue-topics.ts';

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

  /** One outcome for each, in the same order: `undefined` for stored. Never rejects. */
  async move(destinations: readonly Destination[], timeoutMs: number): Promise<(Error | undefined)[]> {
    const errors = destinations.map((): Error | undefined => undefined);
    if (destinations.length === 0) return errors;
    try {
      await this.#topics.ensure(timeoutMs);
    } catch (error) {
      return errors.fill(error as Error);
    }
    const batches = batchesOf(this.#place(destinations), this.#topics.maxBatchBytes);
    const outcomes = await this.#producer.produce(
      batches.map(({ batch }) => batch),
      timeoutMs,
    );
    for (const [n, { indexes }] of batches.entries()) {
      const error = outcomes[n];
      if (error instanceof BrokerError && error.code.startsWith('UNKNOWN_TOPIC')) this.#topics.forget();
      for (const index of indexes) errors[index] = error;
    }
    return errors;
  }

  #place(destinations: readonly Destination[]): PlacedRecord[] {
    const { main, delay, dead } = this.#topics.names;
    const now = destinations.filter(({ kind }) => kind === 'now').length;
    const partitions = this.#cluster.known(main)?.partitions.length ?? 1;
    const spread = now === 0 ? [] : this.#placement.spread(now, partitions);
    let next = 0;
    return destinations.map(destination => {
      const { record } = destination;
      if (destination.kind === 'dead') return { topic: dead, partition: 0, record };
      if (destination.kind === 'now') return { topic: main, partition: spread[next++] ?? 0, record };
      return { topic: delay, partition: this.#topics.stepFor(destination.waitMs), record };
    });
  }
}
