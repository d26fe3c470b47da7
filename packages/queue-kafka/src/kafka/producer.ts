import { setTimeout as elapse } from 'node:timers/promises';
import { Deadline } from '../in-time.ts';
import type { BrokerClocks } from './broker-clocks.ts';
import type { Cluster } from './cluster.ts';
import { BrokerError, NoAnswerError, nameOfCode, NotSentError } from './errors.ts';
import { type ProducedPartition, produceV9 } from './raw-apis.ts';
import { type RecordToWrite, writeRecordBatch } from './record-batch-writer.ts';

/** Records for one partition: stored all together or not at all. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RecordToWrite[];
}

/** What became of a batch: `undefined` for stored, with `acks=all`. */
export type BatchError = Error | undefined;

/** Nothing was stored, and the next leader, or the same one in a moment, will do it. */
const NOT_STORED_YET = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_LEADER_OR_FOLLOWER',
  'FENCED_LEADER_EPOCH',
  'UNKNOWN_LEADER_EPOCH',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'NOT_ENOUGH_REPLICAS',
  'KAFKA_STORAGE_ERROR',
  'BROKER_NOT_AVAILABLE',
]);
const UNKNOWN_OUTCOME = new Set(['REQUEST_TIMED_OUT', 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', 'UNKNOWN_SERVER_ERROR']);
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/** A leader and what goes to it in one request. */
interface Parcel {
  readonly node: number;
  readonly indexes: number[];
}

/**
 * The one producer of a process. What is given to it together leaves in one request for each leader, `acks=all`. It tries again,
 * until the deadline, only what was certainly not stored: a request without an answer speaks for itself, as a `NoAnswerError`.
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #clocks: BrokerClocks;

  constructor(cluster: Cluster, clocks: BrokerClocks) {
    this.#cluster = cluster;
    this.#clocks = clocks;
  }

  /** One outcome for each batch, in the same order. Never rejects. */
  async produce(batches: readonly Batch[], timeoutMs: number): Promise<BatchError[]> {
    const deadline = new Deadline(timeoutMs);
    const errors = batches.map((): BatchError => undefined);
    let pending = batches.map((_, index) => index);
    for (let pause = PAUSE_MS; ; pause = Math.min(2 * pause, LONGEST_PAUSE_MS)) {
      const { now, later, unsent } = await this.#sort(batches, pending, errors, deadline);
      const again = (await Promise.all(now.map(parcel => this.#send(parcel, batches, errors, deadline)))).flat();
      pending = [...later, ...unsent, ...again];
      if (pending.length === 0) return errors;
      if (deadline.isOver) {
        for (const index of pending) errors[index] ??= new NotSentError('A produce', new Error('no time was left'));
        return errors;
      }
      // Those that only had to wait for another batch of their partition go at once.
      if (unsent.length + again.length > 0) await elapse(Math.min(pause, deadline.left));
    }
  }

  /** Who goes to whom. `later`: there is one for the same partition in front of it. `unsent`: there is no leader. */
  async #sort(
    batches: readonly Batch[],
    pending: readonly number[],
    errors: BatchError[],
    deadline: Deadline,
  ): Promise<{ now: Parcel[]; later: number[]; unsent: number[] }> {
    const parcels = new Map<number, Parcel>();
    const later: number[] = [];
    const unsent: number[] = [];
    const taken = new Set<string>();
    try {
      const names = [...new Set(pending.map(index => (batches[index] as Batch).topic))];
      await this.#cluster.topics(names, { timeoutMs: Math.max(1, deadline.left) });
    } catch (error) {
      for (const index of pending) errors[index] = error as Error;
      // Where not even this could be asked, nothing was sent.
      return { now: [], later, unsent: error instanceof BrokerError ? [] : [...pending] };
    }
    for (const index of pending) {
      const { topic, partition } = batches[index] as Batch;
      const place = `${topic}/${partition}`;
      const node = this.#cluster.known(topic)?.partitions[partition]?.node ?? -1;
      if (taken.has(place)) later.push(index);
      else if (node < 0) {
        this.#cluster.isStale(topic);
        errors[index] = new NotSentError('A produce', new Error(`partition ${partition} of ${topic} has no leader`));
        unsent.push(index);
      } else {
        taken.add(place);
        const parcel = parcels.get(node) ?? { node, indexes: [] };
        parcels.set(node, parcel);
        parcel.indexes.push(index);
      }
    }
    return { now: [...parcels.values()], later, unsent };
  }

  /** Sends a parcel and says which of it to send again. */
  async #send(
    { node, indexes }: Parcel,
    batches: readonly Batch[],
    errors: BatchError[],
    deadline: Deadline,
  ): Promise<number[]> {
    const left = Math.max(1, Math.round(deadline.left));
    let answer: readonly ProducedPartition[];
    try {
      const link = this.#cluster.link(node, 'produce', 15_000);
      answer = await link.call('a produce', produceV9, [left, this.#write(indexes, batches)], left);
    } catch (error) {
      for (const index of indexes) {
        errors[index] = error as Error;
        this.#cluster.isStale((batches[index] as Batch).topic);
      }
      return error instanceof NotSentError ? indexes : [];
    }
    const again: number[] = [];
    for (const index of indexes) {
      const { topic, partition } = batches[index] as Batch;
      const said = answer.find(part => part.topic === topic && part.partition === partition);
      if (said?.errorCode === 0) {
        this.#clocks.heard(node, said.logAppendTimeMs);
        errors[index] = undefined;
        continue;
      }
      const code = said === undefined ? 'UNKNOWN_SERVER_ERROR' : nameOfCode(said.errorCode);
      const refusal = new BrokerError(`a produce to ${topic}`, code, said?.errorMessage);
      errors[index] = UNKNOWN_OUTCOME.has(code) ? new NoAnswerError('a produce', refusal) : refusal;
      if (!NOT_STORED_YET.has(code)) continue;
      this.#cluster.isStale(topic);
      again.push(index);
    }
    return again;
  }

  #write(indexes: readonly number[], batches: readonly Batch[]) {
    const topics = new Map<string, { name: string; partitions: { index: number; batch: Buffer }[] }>();
    const now = Date.now();
    for (const index of indexes) {
      const { topic: name, partition, records } = batches[index] as Batch;
      const topic = topics.get(name) ?? { name, partitions: [] };
      topics.set(name, topic);
      topic.partitions.push({ index: partition, batch: writeRecordBatch(records, now) });
    }
    return [...topics.values()];
  }
}
