import type { Cluster } from './cluster.ts';
import type { TopicPartition } from './offsets.ts';
import { placeOf } from './shipment.ts';

/** How long a partition is left alone where others do as well. */
const UNWELL_MS = 10_000;

/** Which partitions take batches, as far as those that were sent have told. */
export class Wellbeing {
  readonly #cluster: Cluster;
  /** Until when they count as unwell. */
  readonly #partitions = new Map<string, number>();
  readonly #leaders = new Map<number, number>();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
  }

  /** A partition has a leader that answers, and has not refused lately. */
  isWell(topic: string, partition: number): boolean {
    const node = this.#cluster.known(topic)?.partitions[partition]?.node ?? -1;
    if (node < 0) return false;
    const until = Math.max(this.#partitions.get(placeOf(topic, partition)) ?? 0, this.#leaders.get(node) ?? 0);
    return until < performance.now();
  }

  /** It could not be reached, or says nothing. */
  leaderFailed(node: number): void {
    this.#leaders.set(node, performance.now() + UNWELL_MS);
  }

  leaderAnswered(node: number): void {
    this.#leaders.delete(node);
  }

  /** It has stored nothing, or nobody knows. */
  partitionFailed({ topic, partition }: TopicPartition): void {
    this.#partitions.set(placeOf(topic, partition), performance.now() + UNWELL_MS);
  }

  partitionTook({ topic, partition }: TopicPartition): void {
    this.#partitions.delete(placeOf(topic, partition));
  }
}
