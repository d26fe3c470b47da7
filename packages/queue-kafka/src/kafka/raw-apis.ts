import { createAPI, type Reader, readKnownTaggedFields, ResponseError, Writer } from '@platformatic/kafka';
import type { AbortedTransaction } from './record-batch-reader.ts';

/*
 * Fetch and Produce as the library has them, but with records as bytes: it decodes all records of an answer at once, with BigInts,
 * and encodes them from objects of its own. And what is wrong with one partition is no reason to throw away the others.
 */

export interface FetchTopic {
  readonly topicId: string;
  readonly partitions: readonly FetchPartition[];
}

export interface FetchPartition {
  readonly partition: number;
  readonly currentLeaderEpoch: number;
  readonly fetchOffset: number;
  readonly lastFetchedEpoch: number;
  readonly partitionMaxBytes: number;
}

export interface FetchedPartition {
  readonly topicId: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly highWatermark: number;
  /** Nothing from here on is read: a transaction that is open holds it. */
  readonly lastStableOffset: number;
  readonly logStartOffset: number;
  /** What was read last is not what the leader has: its log of that epoch ends here. */
  readonly divergingEpoch?: { readonly epoch: number; readonly endOffset: number };
  readonly currentLeader?: { readonly leaderId: number; readonly leaderEpoch: number };
  readonly abortedTransactions: readonly AbortedTransaction[];
  /** Batches, the last of which may be cut off. */
  readonly records: Buffer;
}

export interface ProduceTopic {
  readonly name: string;
  readonly partitions: readonly { readonly index: number; readonly batch: Buffer }[];
}

export interface ProducedPartition {
  readonly topic: string;
  readonly partition: number;
  readonly errorCode: number;
  readonly errorMessage: string | null;
  readonly baseOffset: number;
  /** -1 unless the topic has LogAppendTime. */
  readonly logAppendTimeMs: number;
  readonly logStartOffset: number;
}

const PRODUCE = 0;
const FETCH = 1;
const CONSUMER = -1;
/** We write no transactions. Others may, and what they have aborted must not run; see `RecordCursor`. */
const READ_COMMITTED = 1;
const NO_SESSION = 0;
const NO_SESSION_EPOCH = -1;
const NONE: readonly AbortedTransaction[] = [];
const NO_BYTES = Buffer.alloc(0);
const ALL_REPLICAS = -1;

type FetchArguments = [maxWaitMs: number, minBytes: number, maxBytes: number, topics: readonly FetchTopic[]];
type ProduceArguments = [timeoutMs: number, topics: readonly ProduceTopic[]];

/** Fetch in the version of Kafka 3.1, which names topics by their ids. Throws only what is wrong with the whole request. */
export const fetchV13 = createAPI<FetchArguments, FetchedPartition[]>(FETCH, 13, writeFetch, readFetch);

/** Produce with `acks=all`. Throws nothing that a partition says. */
export const produceV9 = createAPI<ProduceArguments, ProducedPartition[]>(PRODUCE, 9, writeProduce, readProduce);

function writeFetch(...[maxWaitMs, minBytes, maxBytes, topics]: FetchArguments): Writer {
  return Writer.create()
    .appendInt32(CONSUMER)
    .appendInt32(maxWaitMs)
    .appendInt32(minBytes)
    .appendInt32(maxBytes)
    .appendInt8(READ_COMMITTED)
    .appendInt32(NO_SESSION)
    .appendInt32(NO_SESSION_EPOCH)
    .appendArray([...topics], (writer, { topicId, partitions }) => {
      writer.appendUUID(topicId).appendArray([...partitions], (w, p) => {
        w.appendInt32(p.partition)
          .appendInt32(p.currentLeaderEpoch)
          .appendInt64(BigInt(p.fetchOffset))
          .appendInt32(p.lastFetchedEpoch)
          // Where the log starts, which only a follower says.
          .appendInt64(-1n)
          .appendInt32(p.partitionMaxBytes);
      });
    })
    .appendArray([], () => {})
    .appendString('')
    .appendTaggedFields();
}

function readFetch(_correlationId: number, key: number, version: number, reader: Reader): FetchedPartition[] {
  // For how long we are throttled: the broker has waited for us already.
  reader.readInt32();
  const errorCode = reader.readInt16();
  // The session.
  reader.readInt32();
  const topics = reader.readArray(r => {
    const topicId = r.readUUID();
    return r.readArray(() => readFetchedPartition(topicId, r), true, false);
  });
  reader.readTaggedFields();
  const partitions = topics.flat();
  if (errorCode !== 0) throw new ResponseError(key, version, { '/': [errorCode, null] }, partitions);
  return partitions;
}

function readFetchedPartition(topicId: string, reader: Reader): FetchedPartition {
  const said = {
    topicId,
    partition: reader.readInt32(),
    errorCode: reader.readInt16(),
    highWatermark: readInt64(reader),
    lastStableOffset: readInt64(reader),
    logStartOffset: readInt64(reader),
    abortedTransactions:
      reader.readNullableArray(r => ({ producerId: r.readInt64(), firstOffset: readInt64(r) })) ?? NONE,
  };
  // The replica that is nearer. Without a rack of ours there is none.
  reader.readInt32();
  // A slice of what the socket has read, or a copy where it came in several pieces. Neither is used again by the library.
  const records = reader.readNullableBytes() ?? NO_BYTES;
  const tagged: Pick<
    { -readonly [K in keyof FetchedPartition]: FetchedPartition[K] },
    'divergingEpoch' | 'currentLeader'
  > = {};
  readKnownTaggedFields(reader, {
    0: r => (tagged.divergingEpoch = { epoch: r.readInt32(), endOffset: readInt64(r) }),
    1: r => (tagged.currentLeader = { leaderId: r.readInt32(), leaderEpoch: r.readInt32() }),
  });
  return { ...said, records, ...tagged };
}

function writeProduce(...[timeoutMs, topics]: ProduceArguments): Writer {
  return (
    Writer.create()
      // No transaction.
      .appendString(null)
      .appendInt16(ALL_REPLICAS)
      .appendInt32(timeoutMs)
      .appendArray([...topics], (writer, { name, partitions }) => {
        writer.appendString(name).appendArray([...partitions], (w, { index, batch }) => {
          w.appendInt32(index).appendBytes(batch);
        });
      })
      .appendTaggedFields()
  );
}

function readProduce(_correlationId: number, _key: number, _version: number, reader: Reader): ProducedPartition[] {
  const topics = reader.readArray(r => {
    const topic = r.readString();
    return r.readArray(() => readProducedPartition(topic, r));
  });
  // For how long we are throttled: the broker has waited for us already.
  reader.readInt32();
  reader.readTaggedFields();
  return topics.flat();
}

function readProducedPartition(topic: string, reader: Reader): ProducedPartition {
  const said = {
    topic,
    partition: reader.readInt32(),
    errorCode: reader.readInt16(),
    baseOffset: readInt64(reader),
    logAppendTimeMs: readInt64(reader),
    logStartOffset: readInt64(reader),
  };
  const recordErrors = reader.readArray(r => ({ index: r.readInt32(), message: r.readNullableString() }));
  const errorMessage =
    reader.readNullableString() ?? recordErrors.find(({ message }) => message !== null)?.message ?? null;
  return { ...said, errorMessage };
}

function readInt64(reader: Reader): number {
  return Number(reader.readInt64());
}
