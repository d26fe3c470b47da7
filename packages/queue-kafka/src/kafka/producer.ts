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

/** Certainly nothing was stored, and the next leader, or the same one in a moment, will do it. */
const NOT_STORED_YET = new Set([
  'LEADER_NOT_AVAILABLE',
  'NOT_ENOUGH_REPLICAS',
  'BROKER_NOT_AVAILABLE',
  'CORRUPT_MESSAGE',
]);
/**
 * Also said of a batch that was appended and waited for its replicas when the leader moved or the topic was deleted: others may have
 * it. A batch that was never appended has no offset in the answer.
 */
const MAYBE_STORED = new Set([
  'NOT_LEADER_OR_FOLLOWER',
  'UNKNOWN_TOPIC_OR_PARTITION',
  'UNKNOWN_TOPIC_ID',
  'KAFKA_STORAGE_ERROR',
  'REQUEST_TIMED_OUT',
  'NOT_ENOUGH_REPLICAS_AFTER_APPEND',
  'UNKNOWN_SERVER_ERROR',
]);
/** The broker knows another last batch of ours than we do, or none. */
const OUT_OF_STEP = new Set([
  'OUT_OF_ORDER_SEQUENCE_NUMBER',
  'DUPLICATE_SEQUENCE_NUMBER',
  'UNKNOWN_PRODUCER_ID',
  'INVALID_PRODUCER_EPOCH',
]);
/** Of one attempt: a leader that is silent is not the leader for long. */
const ATTEMPT_MS = 5000;
const REQUEST_TIMEOUT_MS = 8000;
/** Brokers take requests up to 100 MiB (`socket.request.max.bytes`). */
const MOST_REQUEST_BYTES = 32 * 1024 * 1024;
const PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 500;

/**
 * The one producer of a process. What is given to it together leaves in one request for each leader, `acks=all`. It tries again until
 * the deadline, and a broker that has a batch already does not store it twice. What nobody knows the outcome of at the end is a
 * `NoAnswerError`.
 *
 * A partition has one batch under way, and those that wait for it take turns. So brokers get them in the order of their numbers,
 * whatever is tried again.
 */
export class Producer {
  readonly #cluster: Cluster;
  readonly #clocks: BrokerClocks;
  readonly #sequences: Sequences;
  /** For each partition the batches that want to go there, one of each call; the first is under way. */
  readonly #lines = new Map<string, Shipment[]>();
  #moved = Promise.withResolvers<void>();

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
    // Several for one partition go one after the other, and let others in between.
    const calls = [...Map.groupBy(shipments, ({ place }) => place).values()];
    const queues = calls.map(queue => [...queue]);
    const heads = new Set<Shipment>();
    try {
      for (let pause = PAUSE_MS; !deadline.isOver;) {
        for (const queue of queues) this.#lineUp(queue, heads);
        if (heads.size === 0) break;
        const ours = [...heads].filter(head => this.#lines.get(head.place)?.[0] === head);
        if (ours.length === 0) {
          await atMost(deadline.left, this.#moved.promise);
          continue;
        }
        await this.#sendAll(ours, deadline);
        if (ours.some(({ isSettled }) => isSettled)) continue;
        await elapse(Math.min(pause, deadline.left));
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
      for (const shipment of shipments) if (!shipment.isSettled) this.#giveUp(shipment);
    } finally {
      for (const head of heads) this.#leaveLine(head);
    }
    return shipments.map(({ error }) => error);
  }

  /** Puts the next of a queue into the line of its partition, once the one before is settled. */
  #lineUp(queue: Shipment[], heads: Set<Shipment>): void {
    const [first] = queue;
    if (first?.isSettled === true) {
      heads.delete(first);
      queue.shift();
    }
    const [next] = queue;
    if (next === undefined || heads.has(next)) return;
    heads.add(next);
    const line = this.#lines.get(next.place);
    if (line === undefined) this.#lines.set(next.place, [next]);
    else line.push(next);
  }

  #leaveLine(shipment: Shipment): void {
    const line = this.#lines.get(shipment.place);
    const index = line?.indexOf(shipment) ?? -1;
    if (line === undefined || index < 0) return;
    line.splice(index, 1);
    if (line.length === 0) this.#lines.delete(shipment.place);
    this.#moved.resolve();
    this.#moved = Promise.withResolvers();
  }

  /** It is known what became of it: the next may go. */
  #settle(shipment: Shipment, error: BatchError): void {
    shipment.isSettled = true;
    shipment.error = error;
    this.#leaveLine(shipment);
  }

  /** No time is left. */
  #giveUp(shipment: Shipment): void {
    const { isInDoubt, error } = shipment;
    if (isInDoubt) this.#settleInDoubt(shipment, error);
    else this.#settle(shipment, error ?? new NotSentError('A produce', new Error('no time was left')));
  }

  /** One attempt for all of them, in as many requests as there are leaders. */
  async #sendAll(shipments: readonly Shipment[], deadline: Deadline): Promise<void> {
    const left = Math.max(1, Math.min(deadline.left, ATTEMPT_MS));
    try {
      const names = [...new Set(shipments.map(({ batch }) => batch.topic))];
      await this.#cluster.topics(names, { timeoutMs: left });
      for (const shipment of shipments) shipment.state ??= await this.#sequences.stateFor(shipment.place, left);
    } catch (error) {
      for (const shipment of shipments) this.#notSent(shipment, error);
      return;
    }
    const parcels = this.#parcels(shipments);
    await Promise.all(parcels.map(({ node, parcel }) => this.#send(node, parcel, left)));
  }

  /** For each leader what goes to it, in requests that it takes. */
  #parcels(shipments: readonly Shipment[]): { readonly node: number; readonly parcel: readonly Written[] }[] {
    const now = Date.now();
    const parcels: { node: number; parcel: Written[]; bytes: number }[] = [];
    for (const shipment of shipments) {
      const { topic, partition, records } = shipment.batch;
      const known = this.#cluster.known(topic)?.partitions[partition];
      if (known === undefined) {
        this.#gone(shipment);
        continue;
      }
      if (known.node < 0) {
        this.#cluster.isStale(topic);
        const leaderless = new Error(`partition ${partition} of ${topic} has no leader`);
        this.#notSent(shipment, new NotSentError('A produce', leaderless));
        continue;
      }
      const batch = writeRecordBatch(records, now, shipment.state);
      const { node } = known;
      const fits = (other: (typeof parcels)[number]) =>
        other.node === node && other.bytes + batch.length <= MOST_REQUEST_BYTES;
      let found = parcels.find(fits);
      if (found === undefined) parcels.push((found = { node, parcel: [], bytes: 0 }));
      found.parcel.push({ shipment, batch });
      found.bytes += batch.length;
    }
    return parcels;
  }

  async #send(node: number, parcel: readonly Written[], timeoutMs: number): Promise<void> {
    let answer: readonly ProducedPartition[];
    try {
      const link = this.#cluster.link(node, 'produce', REQUEST_TIMEOUT_MS);
      answer = await link.call('a produce', produceV9, [Math.round(timeoutMs), topicsOf(parcel)], timeoutMs);
    } catch (error) {
      for (const { shipment } of parcel) {
        this.#cluster.isStale(shipment.batch.topic);
        if (error instanceof NotSentError) this.#notSent(shipment, error);
        else this.#doubt(shipment, error as Error);
      }
      return;
    }
    for (const { shipment } of parcel) {
      const { topic, partition } = shipment.batch;
      const said = answer.find(part => part.topic === topic && part.partition === partition);
      // The answer to a repetition may have the time of whoever led before.
      if (said?.errorCode === 0 && !shipment.isInDoubt) this.#clocks.heard(node, said.logAppendTimeMs);
      this.#answered(shipment, said);
    }
  }

  /** This attempt has stored nothing. */
  #notSent(shipment: Shipment, error: unknown): void {
    // One that is in doubt stays so.
    if (shipment.isInDoubt) return;
    // What was refused is refused the next time, too.
    if (error instanceof BrokerError) this.#settle(shipment, error);
    else shipment.error = error instanceof NotSentError ? error : new NotSentError('A produce', error);
  }

  /** There is no such partition, and nothing that may have been stored in it. */
  #gone(shipment: Shipment): void {
    const { topic } = shipment.batch;
    this.#cluster.isStale(topic);
    // Should it be there after all, it may have the batch: another one must not have its number.
    if (shipment.isInDoubt) this.#sequences.begin();
    this.#settle(shipment, new BrokerError(`a produce to ${topic}`, 'UNKNOWN_TOPIC_OR_PARTITION'));
  }

  #answered(shipment: Shipment, said: ProducedPartition | undefined): void {
    const { batch, place, state } = shipment;
    const code = said === undefined ? 'UNKNOWN_SERVER_ERROR' : nameOfCode(said.errorCode);
    // The second is the answer to what was stored before, and to nothing else.
    if (code === 'NONE' || (code === 'DUPLICATE_SEQUENCE_NUMBER' && shipment.isInDoubt)) {
      if (state !== undefined) this.#sequences.stored(place, state, batch.records.length);
      this.#settle(shipment, undefined);
      return;
    }
    const refusal = new BrokerError(`a produce to ${batch.topic}`, code, said?.errorMessage ?? missingRight(code));
    if (MAYBE_STORED.has(code)) {
      this.#cluster.isStale(batch.topic);
      const wasAppended = state !== undefined || said === undefined || said.baseOffset >= 0;
      if (wasAppended) this.#doubt(shipment, refusal);
      else shipment.error = refusal;
    } else if (OUT_OF_STEP.has(code)) {
      this.#sequences.begin();
      // Under another number a broker that has it would store it again.
      if (shipment.isInDoubt) this.#settleInDoubt(shipment, refusal);
      else Object.assign(shipment, { state: undefined, error: new NotSentError('A produce', refusal) });
    } else if (NOT_STORED_YET.has(code)) {
      this.#cluster.isStale(batch.topic);
      if (!shipment.isInDoubt) shipment.error = refusal;
    } else if (shipment.isInDoubt) {
      this.#settleInDoubt(shipment, refusal);
    } else {
      this.#settle(shipment, refusal);
    }
  }

  /** Sent again under the same number, or, where brokers do not know us by any, not again. */
  #doubt(shipment: Shipment, error: Error): void {
    shipment.isInDoubt = true;
    if (shipment.state === undefined) this.#settleInDoubt(shipment, error);
    else shipment.error = error;
  }

  #settleInDoubt(shipment: Shipment, cause: BatchError): void {
    this.#sequences.begin();
    this.#settle(shipment, cause instanceof NoAnswerError ? cause : new NoAnswerError('a produce', cause));
  }
}

interface Written {
  readonly shipment: Shipment;
  readonly batch: Buffer;
}

function topicsOf(parcel: readonly Written[]) {
  const topics = new Map<string, { name: string; partitions: { index: number; batch: Buffer }[] }>();
  for (const { shipment, batch } of parcel) {
    const { topic, partition } = shipment.batch;
    const found = topics.get(topic) ?? { name: topic, partitions: [] };
    topics.set(topic, found);
    found.partitions.push({ index: partition, batch });
  }
  return [...topics.values()];
}

function missingRight(code: string): string | undefined {
  return code === 'TOPIC_AUTHORIZATION_FAILED' ? 'allow Write on the topic' : undefined;
}
