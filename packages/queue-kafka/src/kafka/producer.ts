import { setTimeout as elapse } from 'node:timers/promises';
import { atMost, Deadline } from '../in-time.ts';
import type { BrokerClocks } from './broker-clocks.ts';
import type { Cluster } from './cluster.ts';
import { BrokerError, NoAnswerError, nameOfCode, NotSentError } from './errors.ts';
import { type ProducedPartition, produceV9 } from './raw-apis.ts';
import { type ProducerState, type RecordToWrite, writeRecordBatch } from './record-batch-writer.ts';
import { Sequences } from './sequences.ts';

/** Records for one partition: stored all together or not at all. */
export interface Batch {
  readonly topic: string;
  readonly partition: number;
  readonly records: readonly RecordToWrite[];
}

/** What became of a batch: `undefined` for stored, with `acks=all`. */
export type BatchError = Error | undefined;

/** A batch on its way. */
interface Shipment {
  readonly batch: Batch;
  readonly place: string;
  /** What the broker would recognise it by; from its first attempt on, and the same in each. */
  state: ProducerState | undefined;
  /** Sent, and nobody knows what became of it. */
  isInDoubt: boolean;
  isSettled: boolean;
  error: BatchError;
}

/** A leader and what goes to it in one request. */
interface Parcel {
  readonly node: number;
  readonly shipments: Shipment[];
}

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
/** The broker knows another last batch of ours than we do, or none. */
const OUT_OF_STEP = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);
const REQUEST_TIMEOUT_MS = 15_000;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/**
 * The one producer of a process. What is given to it together leaves in one request for each leader, `acks=all`. It tries again until
 * the deadline, and a broker that has a batch already does not store it twice. What nobody knows the outcome of at the end is a
 * `NoAnswerError`.
 *
 * A partition has one batch under way. So brokers get them in the order of their numbers, whatever is tried again.
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #clocks: BrokerClocks;
  readonly #sequences: Sequences;
  /** Partitions with a batch under way. */
  readonly #taken = new Set<string>();
  #freed = Promise.withResolvers<void>();

  constructor(cluster: Cluster, clocks: BrokerClocks) {
    this.#cluster = cluster;
    this.#clocks = clocks;
    this.#sequences = new Sequences(cluster);
  }

  /** One outcome for each batch, in the same order. Never rejects. */
  async produce(batches: readonly Batch[], timeoutMs: number): Promise<BatchError[]> {
    const deadline = new Deadline(timeoutMs);
    const shipments = batches.map((batch): Shipment => {
      const place = `${batch.topic}/${batch.partition}`;
      return { batch, place, state: undefined, isInDoubt: false, isSettled: false, error: undefined };
    });
    let waiting: readonly Shipment[] = shipments;
    let held: readonly Shipment[] = [];
    for (let pause = PAUSE_MS; waiting.length + held.length > 0 && !deadline.isOver;) {
      const taken = waiting.filter(shipment => this.#take(shipment));
      waiting = waiting.filter(shipment => !taken.includes(shipment));
      held = [...held, ...taken];
      if (held.length === 0) {
        await atMost(deadline.left, this.#freed.promise);
        continue;
      }
      await this.#sendAll(held, deadline);
      this.#release(held.filter(({ isSettled }) => isSettled));
      held = held.filter(({ isSettled }) => !isSettled);
      if (held.length === 0) continue;
      await elapse(Math.min(pause, deadline.left));
      pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
    }
    for (const shipment of [...held, ...waiting]) this.#giveUp(shipment);
    this.#release(held);
    return shipments.map(({ error }) => error);
  }

  #take({ place }: Shipment): boolean {
    if (this.#taken.has(place)) return false;
    this.#taken.add(place);
    return true;
  }

  #release(shipments: readonly Shipment[]): void {
    if (shipments.length === 0) return;
    for (const { place } of shipments) this.#taken.delete(place);
    this.#freed.resolve();
    this.#freed = Promise.withResolvers();
  }

  /** No time is left. */
  #giveUp(shipment: Shipment): void {
    const { isInDoubt, error } = shipment;
    if (isInDoubt) {
      this.#sequences.begin();
      shipment.error = error instanceof NoAnswerError ? error : new NoAnswerError('a produce', error);
    } else {
      shipment.error = error ?? new NotSentError('A produce', new Error('no time was left'));
    }
  }

  /** One attempt for all of them. */
  async #sendAll(shipments: readonly Shipment[], deadline: Deadline): Promise<void> {
    const left = Math.max(1, deadline.left);
    try {
      const names = [...new Set(shipments.map(({ batch }) => batch.topic))];
      await this.#cluster.topics(names, { timeoutMs: left });
      for (const shipment of shipments) shipment.state ??= await this.#sequences.stateFor(shipment.place, left);
    } catch (error) {
      for (const shipment of shipments) this.#notSent(shipment, error);
      return;
    }
    await Promise.all(this.#parcels(shipments).map(parcel => this.#send(parcel, deadline)));
  }

  #notSent(shipment: Shipment, error: unknown): void {
    // One that is in doubt stays so.
    if (shipment.isInDoubt) return;
    // What was refused is refused the next time, too.
    shipment.isSettled = error instanceof BrokerError;
    shipment.error =
      error instanceof BrokerError || error instanceof NotSentError ? error : new NotSentError('A produce', error);
  }

  #parcels(shipments: readonly Shipment[]): Parcel[] {
    const parcels = new Map<number, Parcel>();
    for (const shipment of shipments) {
      const { topic, partition } = shipment.batch;
      const node = this.#cluster.known(topic)?.partitions[partition]?.node ?? -1;
      if (node < 0) {
        this.#cluster.isStale(topic);
        this.#notSent(
          shipment,
          new NotSentError('A produce', new Error(`partition ${partition} of ${topic} has no leader`)),
        );
        continue;
      }
      const parcel = parcels.get(node) ?? { node, shipments: [] };
      parcels.set(node, parcel);
      parcel.shipments.push(shipment);
    }
    return [...parcels.values()];
  }

  async #send({ node, shipments }: Parcel, deadline: Deadline): Promise<void> {
    const left = Math.max(1, Math.round(deadline.left));
    let answer: readonly ProducedPartition[];
    try {
      const link = this.#cluster.link(node, 'produce', REQUEST_TIMEOUT_MS);
      answer = await link.call('a produce', produceV9, [left, write(shipments)], left);
    } catch (error) {
      for (const shipment of shipments) this.#failed(shipment, error);
      return;
    }
    for (const shipment of shipments) {
      const { topic, partition } = shipment.batch;
      const said = answer.find(part => part.topic === topic && part.partition === partition);
      if (said?.errorCode === 0) this.#clocks.heard(node, said.logAppendTimeMs);
      await this.#answered(shipment, said);
    }
  }

  /** The request has failed as a whole. */
  #failed(shipment: Shipment, error: unknown): void {
    this.#cluster.isStale(shipment.batch.topic);
    if (error instanceof NotSentError) {
      this.#notSent(shipment, error);
      return;
    }
    this.#doubt(shipment, error as Error);
  }

  async #answered(shipment: Shipment, said: ProducedPartition | undefined): Promise<void> {
    const { batch, place, state } = shipment;
    const code = said === undefined ? 'UNKNOWN_SERVER_ERROR' : nameOfCode(said.errorCode);
    // The second is the answer to what was stored before, and to nothing else.
    if (code === 'NONE' || (code === 'DUPLICATE_SEQUENCE_NUMBER' && shipment.isInDoubt)) {
      shipment.isSettled = true;
      shipment.error = undefined;
      if (state !== undefined) await this.#sequences.stored(place, state, batch.records.length);
      return;
    }
    const refusal = new BrokerError(`a produce to ${batch.topic}`, code, said?.errorMessage);
    if (UNKNOWN_OUTCOME.has(code)) {
      this.#doubt(shipment, refusal);
    } else if (OUT_OF_STEP.has(code)) {
      this.#sequences.begin();
      // Under another number a broker that has it would store it again.
      if (shipment.isInDoubt) this.#settleInDoubt(shipment, refusal);
      else shipment.state = undefined;
      shipment.error ??= refusal;
    } else if (NOT_STORED_YET.has(code)) {
      this.#cluster.isStale(batch.topic);
      if (!shipment.isInDoubt) shipment.error = refusal;
    } else if (shipment.isInDoubt) {
      this.#settleInDoubt(shipment, refusal);
    } else {
      shipment.isSettled = true;
      shipment.error = refusal;
    }
  }

  /** Sent again under the same number, or, where brokers do not know us by any, not again. */
  #doubt(shipment: Shipment, error: Error): void {
    shipment.error = error instanceof NoAnswerError ? error : new NoAnswerError('a produce', error);
    shipment.isInDoubt = true;
    shipment.isSettled = shipment.state === undefined;
  }

  #settleInDoubt(shipment: Shipment, cause: Error): void {
    this.#sequences.begin();
    shipment.error = new NoAnswerError('a produce', cause);
    shipment.isSettled = true;
  }
}

function write(shipments: readonly Shipment[]) {
  const topics = new Map<string, { name: string; partitions: { index: number; batch: Buffer }[] }>();
  const now = Date.now();
  for (const { batch, state } of shipments) {
    const topic = topics.get(batch.topic) ?? { name: batch.topic, partitions: [] };
    topics.set(batch.topic, topic);
    topic.partitions.push({ index: batch.partition, batch: writeRecordBatch(batch.records, now, state) });
  }
  return [...topics.values()];
}
