import { compressionsAlgorithmsByBitmask } from '@platformatic/kafka';
import { headerName } from './header-names.ts';
import { BATCH_OVERHEAD_BYTES, checksum } from './record-batch-writer.ts';

export interface FetchedRecord {
  readonly offset: number;
  readonly timestampMs: number;
  /** The time is the broker's: when it took the record. */
  readonly appendTime: boolean;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | null])[];
}

/** What a Fetch answer says of transactions that came to nothing: the records of this producer from there to the marker. */
export interface AbortedTransaction {
  readonly producerId: bigint;
  readonly firstOffset: number;
}

/** These bytes are no records that we can read: corrupt, or of a kind we do not know. */
export class UnreadableRecordsError extends Error {
  /** Of the batch, or of the record in it. */
  readonly offset: number;

  constructor(offset: number, why: string, cause?: unknown) {
    super(`The records at offset ${offset} cannot be read: ${why}`, cause === undefined ? undefined : { cause });
    this.name = 'UnreadableRecordsError';
    this.offset = offset;
  }
}

/** Base offset and length, which the length does not count. */
const BATCH_HEAD_BYTES = 12;
const LEADER_EPOCH_AT = 12;
const MAGIC_AT = 16;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
const LAST_OFFSET_DELTA_AT = 23;
const FIRST_TIMESTAMP_AT = 27;
const MAX_TIMESTAMP_AT = 35;
const PRODUCER_ID_AT = 43;
const COUNT_AT = 57;

const COMPRESSION = 0b111;
const IS_APPEND_TIME = 1 << 3;
const IS_TRANSACTIONAL = 1 << 4;
const IS_CONTROL = 1 << 5;
/** The type of a control record that ends a transaction in vain. */
const ABORT = 0;

const TWO_TO_32 = 0x1_0000_0000;
const TWO_TO_28 = 0x1000_0000;
/** High words from here on are beyond what a number holds exactly. */
const BEYOND_SAFE = 0x20_0000;
/** The lengths of its name and of its value. */
const FEWEST_HEADER_BYTES = 2;
const NO_HEADERS: FetchedRecord['headers'] = [];

/**
 * Reads the records of one partition of one Fetch answer one after the other, from `from` on. Batches are decompressed and
 * records decoded when they are asked for.
 *
 * Batches are checked as a whole when the cursor is made, so that what is wrong with them is said where the answer arrives. A bad
 * one behind a good one is left for the next fetch, which starts with it: what comes before it can still be read.
 *
 * Keys and values are slices, nothing is copied: whoever keeps one keeps the whole answer alive. Make strings of them at once.
 */
export class RecordCursor {
  /** Behind the last whole batch: where the next fetch starts, even where batches held no record for us. */
  readonly nextOffset: number;
  /** The epoch of the leader that appended the last whole batch; -1 where there is none. */
  readonly lastEpoch: number;
  /** Size of the answer, which lives as long as this does. */
  readonly bytes: number;
  readonly #bytes: Buffer;
  /** Behind the last whole batch. */
  readonly #wholeEnd: number;
  readonly #aborted: readonly AbortedTransaction[];
  /** Transactions of these producers that came to nothing have begun, and their markers were not seen yet. */
  readonly #aborting = new Set<bigint>();
  #abortedSeen = 0;
  #from: number;
  /** The next batch. */
  #batchAt = 0;
  /** Of the current batch. */
  #data: Buffer;
  #at = 0;
  #end = 0;
  #left = 0;
  #baseOffset = 0;
  #lastOffset = -1;
  #timestampMs = 0;
  #isAppendTime = false;
  #failure: UnreadableRecordsError | undefined;

  /** `aborted` is what a fetch with READ_COMMITTED has said. */
  constructor(bytes: Buffer, from: number, aborted: readonly AbortedTransaction[] = []) {
    this.bytes = bytes.length;
    this.#bytes = bytes;
    this.#data = bytes;
    this.#from = from;
    this.#aborted = aborted.length < 2 ? aborted : aborted.toSorted((a, b) => a.firstOffset - b.firstOffset);
    let at = 0;
    let lastOffset = -1;
    let lastEpoch = -1;
    while (bytes.length - at > MAGIC_AT) {
      const length = bytes.readInt32BE(at + 8);
      const end = at + BATCH_HEAD_BYTES + length;
      try {
        // The magic of a batch that is cut off is the truth as well, and the old formats would never become readable.
        checkMagic(bytes, at, length);
        if (end > bytes.length) break;
        lastOffset = checkBatch(bytes, at, end, lastOffset);
        lastEpoch = bytes.readInt32BE(at + LEADER_EPOCH_AT);
      } catch (error) {
        if (at === 0) throw error;
        break;
      }
      at = end;
    }
    this.#wholeEnd = at;
    this.lastEpoch = lastEpoch;
    this.nextOffset = Math.max(from, lastOffset + 1);
  }

  /** Throws an `UnreadableRecordsError` where the records in a batch are corrupt, and again if it is called again. */
  next(): FetchedRecord | undefined {
    if (this.#failure !== undefined) throw this.#failure;
    for (;;) {
      while (this.#left > 0) {
        const record = this.#readRecord();
        if (record !== undefined) return record;
      }
      if (this.#at !== this.#end) throw this.#corrupt('there is more in the batch than it says');
      if (this.#batchAt >= this.#wholeEnd) return undefined;
      this.#openBatch();
    }
  }

  /** Goes to the next batch. Nothing has changed if this throws. */
  #openBatch(): void {
    const bytes = this.#bytes;
    const at = this.#batchAt;
    const end = at + BATCH_HEAD_BYTES + bytes.readInt32BE(at + 8);
    const attributes = bytes.readInt16BE(at + ATTRIBUTES_AT);
    const baseOffset = readOffset(bytes, at);
    const lastOffset = baseOffset + bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT);
    // Old enough, or not for us. Old ones count as well for what is aborted: their markers end transactions.
    if (this.#isNotForUs(at, end, attributes, lastOffset) || lastOffset < this.#from) {
      this.#batchAt = end;
      return;
    }
    const isAppendTime = (attributes & IS_APPEND_TIME) !== 0;
    const timestampMs = readTime(bytes, at + (isAppendTime ? MAX_TIMESTAMP_AT : FIRST_TIMESTAMP_AT));
    if ((attributes & COMPRESSION) === 0) {
      this.#data = bytes;
      this.#at = at + BATCH_OVERHEAD_BYTES;
      this.#end = end;
    } else {
      const compressed = bytes.subarray(at + BATCH_OVERHEAD_BYTES, end);
      this.#data = decompress(compressed, attributes & COMPRESSION, baseOffset);
      this.#at = 0;
      this.#end = this.#data.length;
    }
    this.#left = bytes.readInt32BE(at + COUNT_AT);
    this.#baseOffset = baseOffset;
    this.#lastOffset = lastOffset;
    this.#timestampMs = timestampMs;
    this.#isAppendTime = isAppendTime;
    this.#batchAt = end;
  }

  /** As the Java client does it, which a broker answers READ_COMMITTED for: control batches, and what was aborted. */
  #isNotForUs(at: number, end: number, attributes: number, lastOffset: number): boolean {
    const isControl = (attributes & IS_CONTROL) !== 0;
    if (this.#aborted.length === 0 || (attributes & IS_TRANSACTIONAL) === 0) return isControl;
    for (; this.#abortedSeen < this.#aborted.length; this.#abortedSeen++) {
      const { producerId, firstOffset } = this.#aborted[this.#abortedSeen] as AbortedTransaction;
      if (firstOffset > lastOffset) break;
      this.#aborting.add(producerId);
    }
    const producerId = this.#bytes.readBigInt64BE(at + PRODUCER_ID_AT);
    if (!isControl) return this.#aborting.has(producerId);
    if (isAbortMarker(this.#bytes, at, end)) this.#aborting.delete(producerId);
    return true;
  }

  /** `undefined`: a record from before `from`. */
  #readRecord(): FetchedRecord | undefined {
    const length = this.#readVarint();
    const end = this.#at + length;
    if (length < 0 || end > this.#end) throw this.#corrupt('a record is longer than its batch');
    // Attributes, of which there are none yet.
    this.#at++;
    const timestampDelta = this.#readVarlong();
    const offset = this.#baseOffset + this.#readVarint();
    if (offset > this.#lastOffset || offset < this.#baseOffset) {
      throw this.#corrupt('a record lies outside of its batch');
    }
    if (offset < this.#from) {
      this.#at = end;
      this.#left--;
      return undefined;
    }
    const key = this.#readBytes(end);
    const value = this.#readBytes(end);
    const headers = this.#readHeaders(end);
    if (this.#at !== end) throw this.#corrupt('a record is not as long as it says');
    this.#left--;
    // Also keeps what says that it has the same offset from being read twice.
    this.#from = offset + 1;
    const timestampMs = this.#isAppendTime ? this.#timestampMs : this.#timestampMs + timestampDelta;
    return { offset, timestampMs, appendTime: this.#isAppendTime, key, value, headers };
  }

  #readHeaders(end: number): FetchedRecord['headers'] {
    const count = this.#readVarint();
    if (count === 0) return NO_HEADERS;
    if (count < 0 || count * FEWEST_HEADER_BYTES > end - this.#at) {
      throw this.#corrupt('a record has more headers than it has room for');
    }
    const headers: [string, Buffer | null][] = [];
    for (let index = 0; index < count; index++) {
      const length = this.#readVarint();
      const at = this.#at;
      if (length < 0 || at + length > end) throw this.#corrupt('the name of a header is longer than its record');
      this.#at = at + length;
      headers.push([headerName(this.#data, at, length), this.#readBytes(end)]);
    }
    return headers;
  }

  #readBytes(end: number): Buffer | null {
    const length = this.#readVarint();
    // Java's client writes -1 for `null` and reads it from whatever is negative.
    if (length < 0) return null;
    const at = this.#at;
    if (at + length > end) throw this.#corrupt('a part of a record is longer than the record');
    this.#at = at + length;
    return this.#data.subarray(at, at + length);
  }

  #readVarint(): number {
    const data = this.#data;
    let byte = data[this.#at++];
    if (byte === undefined) throw this.#corrupt('it ends within a number');
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80; shift += 7) {
      byte = data[this.#at++];
      if (byte === undefined || shift > 28) throw this.#corrupt('a number is too long');
      value |= (byte & 0x7f) << shift;
    }
    return (value >>> 1) ^ -(value & 1);
  }

  /** Deltas of times, which may be negative and take more than 32 bits. */
  #readVarlong(): number {
    const data = this.#data;
    const first = data[this.#at];
    if (first === 0) {
      this.#at++;
      return 0;
    }
    let value = 0;
    let high = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = data[this.#at++];
      if (byte === undefined || shift > 63) throw this.#corrupt('a number is too long');
      if (shift < 28) value |= (byte & 0x7f) << shift;
      else high += (byte & 0x7f) * 2 ** (shift - 28);
      if (byte < 0x80) break;
    }
    const zigzag = high * TWO_TO_28 + value;
    return zigzag % 2 === 0 ? zigzag / 2 : -(zigzag + 1) / 2;
  }

  #corrupt(why: string): UnreadableRecordsError {
    // Where the next record begins is not known any more.
    this.#failure = new UnreadableRecordsError(this.#from, why);
    return this.#failure;
  }
}

function checkMagic(bytes: Buffer, at: number, length: number): void {
  const magic = bytes[at + MAGIC_AT] as number;
  // Of the oldest format as well: less cannot even hold the magic.
  if (length < MAGIC_AT + 1 - BATCH_HEAD_BYTES) throw corruptBatch(bytes, at, `a batch of ${length} bytes`);
  if (magic === 2) return;
  if (magic !== 0 && magic !== 1) throw corruptBatch(bytes, at, `unknown format ${magic}`);
  throw corruptBatch(
    bytes,
    at,
    `they are in format v${magic}, from before Kafka 0.11. Let them expire, or make the topic anew`,
  );
}

/** Says the last offset of a whole batch. `before`: that of the batch in front of it. */
function checkBatch(bytes: Buffer, at: number, end: number, before: number): number {
  if (end - at < BATCH_OVERHEAD_BYTES) throw corruptBatch(bytes, at, `a batch of ${end - at} bytes`);
  const crc = bytes.readUInt32BE(at + CRC_AT);
  if (crc !== checksum(bytes.subarray(at + ATTRIBUTES_AT, end)))
    throw corruptBatch(bytes, at, 'their checksum is wrong');
  const baseOffset = readOffset(bytes, at);
  const delta = bytes.readInt32BE(at + LAST_OFFSET_DELTA_AT);
  const count = bytes.readInt32BE(at + COUNT_AT);
  // Compaction leaves fewer records than offsets, and transactions leave batches without any.
  if (delta < 0 || count < 0 || count > delta + 1)
    throw corruptBatch(bytes, at, `${count} records at ${delta + 1} offsets`);
  if (baseOffset <= before) throw corruptBatch(bytes, at, `the offset before it is ${before}`);
  const compression = bytes.readInt16BE(at + ATTRIBUTES_AT) & COMPRESSION;
  if (compression !== 0 && algorithmOf(compression) === undefined) {
    throw corruptBatch(
      bytes,
      at,
      `compression ${nameOfCompression(compression)} is not known to this version of Node.js`,
    );
  }
  return baseOffset + delta;
}

function corruptBatch(bytes: Buffer, at: number, why: string): UnreadableRecordsError {
  return new UnreadableRecordsError(bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4), why);
}

function isAbortMarker(bytes: Buffer, at: number, end: number): boolean {
  // Length, attributes, deltas of time and offset, length of the key; then the key: its version and the type.
  let place = at + BATCH_OVERHEAD_BYTES;
  const skipNumber = () => {
    while (place < end && (bytes[place] as number) >= 0x80) place++;
    place++;
  };
  skipNumber();
  place++;
  skipNumber();
  skipNumber();
  skipNumber();
  return place + 4 <= end && bytes.readInt16BE(place + 2) === ABORT;
}

function algorithmOf(compression: number) {
  const algorithm = compressionsAlgorithmsByBitmask[compression];
  return algorithm?.available === true ? algorithm : undefined;
}

function nameOfCompression(compression: number): string {
  return ['none', 'gzip', 'snappy', 'lz4', 'zstd'][compression] ?? String(compression);
}

function decompress(bytes: Buffer, compression: number, offset: number): Buffer {
  try {
    return (algorithmOf(compression) as NonNullable<ReturnType<typeof algorithmOf>>).decompressSync(bytes);
  } catch (error) {
    throw new UnreadableRecordsError(offset, `${nameOfCompression(compression)} does not decompress them`, error);
  }
}

/** 64 bits, of which a number holds 53. */
function readOffset(bytes: Buffer, at: number): number {
  const high = bytes.readInt32BE(at);
  if (high >= BEYOND_SAFE || high < -BEYOND_SAFE) {
    const value = bytes.readBigInt64BE(at);
    throw new UnreadableRecordsError(Number(value), `${value} is beyond what JavaScript's numbers hold`);
  }
  return high * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}

/** May be anything, even nanoseconds, if a producer has said it: about right is enough then. */
function readTime(bytes: Buffer, at: number): number {
  return bytes.readInt32BE(at) * TWO_TO_32 + bytes.readUInt32BE(at + 4);
}
