import { crc32c, Writer } from '@platformatic/kafka';

export interface RecordToWrite {
  readonly key: Buffer | string | null;
  readonly value: Buffer | string | null;
  readonly headers: readonly (readonly [name: string, value: Buffer | string | null])[];
}

/** The state of an idempotent producer: what the broker knows a batch by when it comes a second time. */
export interface ProducerState {
  readonly id: bigint;
  readonly epoch: number;
  /** Of the first record. */
  readonly sequence: number;
}

/** What a batch has beside its records. */
export const BATCH_OVERHEAD_BYTES = 61;

const LENGTH_AT = 8;
const CRC_AT = 17;
const ATTRIBUTES_AT = 21;
/** Base offset and length, which the length does not count. */
const BATCH_HEAD_BYTES = 12;
const MAGIC = 2;
const TWO_TO_32 = 0x1_0000_0000;
const MOST_VARINT_BYTES = 5;
/** Attributes and the timestamp's delta: one byte each, both 0. */
const RECORD_HEAD_BYTES = 2;

/** Names as they are written, with their length. Those of the jobs are a handful; foreign records may have any. */
const names = new Map<string, Buffer>();
const MOST_NAMES = 100;
/** Strings that are written here, character by character: a call into Node.js takes longer. */
const SHORT = 16;

/** The lengths that `measure` found and `writeRecord` needs again. One array for all: both run without a break. */
let lengths = new Int32Array(1024);
let measured = 0;

/**
 * Bytes of one record within a batch, to split batches by size. An upper bound: what the number of the record within the batch
 * takes is not known yet, so this is up to 8 bytes more than will be written, and never less.
 */
export function recordBytes(record: RecordToWrite): number {
  measured = 0;
  return 2 * MOST_VARINT_BYTES + measure(record);
}

/** One record batch of format v2: what Produce sends for a partition. All its records have the same time. */
export function writeRecordBatch(
  records: readonly RecordToWrite[],
  timestampMs: number,
  producer?: ProducerState,
): Buffer {
  if (records.length === 0) throw new RangeError('A batch needs a record');
  measured = 0;
  let size = BATCH_OVERHEAD_BYTES;
  for (let index = 0; index < records.length; index++) {
    const place = measured++;
    const body = measure(records[index] as RecordToWrite) + sizeOfVarint(index);
    lengths[place] = body;
    size += sizeOfVarint(body) + body;
  }
  const batch = Buffer.allocUnsafe(size);
  writeHead(batch, records.length, timestampMs, producer);
  measured = 0;
  let at = BATCH_OVERHEAD_BYTES;
  for (let index = 0; index < records.length; index++)
    at = writeRecord(batch, at, records[index] as RecordToWrite, index);
  batch.writeUInt32BE(checksum(batch.subarray(ATTRIBUTES_AT)), CRC_AT);
  return batch;
}

/** The library copies a Buffer before it hands it to the native module, and does not copy what is in a Writer already. */
export function checksum(bytes: Buffer): number {
  return crc32c(Writer.create().append(bytes).dynamicBuffer);
}

function writeHead(batch: Buffer, count: number, timestampMs: number, producer: ProducerState | undefined): void {
  const high = Math.floor(timestampMs / TWO_TO_32);
  const low = timestampMs - high * TWO_TO_32;
  // The base offset is the broker's to say.
  batch.fill(0, 0, LENGTH_AT);
  batch.writeInt32BE(batch.length - BATCH_HEAD_BYTES, LENGTH_AT);
  // No epoch of the leader yet.
  batch.writeInt32BE(-1, 12);
  batch[16] = MAGIC;
  // Not compressed, the time is ours, no transaction.
  batch.writeInt16BE(0, ATTRIBUTES_AT);
  batch.writeInt32BE(count - 1, 23);
  batch.writeInt32BE(high, 27);
  batch.writeUInt32BE(low, 31);
  batch.writeInt32BE(high, 35);
  batch.writeUInt32BE(low, 39);
  batch.writeBigInt64BE(producer?.id ?? -1n, 43);
  batch.writeInt16BE(producer?.epoch ?? -1, 51);
  batch.writeInt32BE(producer?.sequence ?? -1, 53);
  batch.writeInt32BE(count, 57);
}

/** Bytes of a record without its length and its number, exactly. Notes the lengths of its parts. */
function measure({ key, value, headers }: RecordToWrite): number {
  const room = measured + headers.length + 3;
  if (room > lengths.length) {
    const more = new Int32Array(2 * room);
    more.set(lengths);
    lengths = more;
  }
  let size = RECORD_HEAD_BYTES + measurePart(key) + measurePart(value) + sizeOfVarint(headers.length);
  for (let index = 0; index < headers.length; index++) {
    const header = headers[index] as (typeof headers)[number];
    size += encodedName(header[0]).length + measurePart(header[1]);
  }
  return size;
}

function measurePart(part: Buffer | string | null): number {
  if (part === null) return 1;
  const length = typeof part === 'string' ? bytesOf(part) : part.length;
  lengths[measured++] = length;
  return sizeOfVarint(length) + length;
}

function writeRecord(batch: Buffer, start: number, { key, value, headers }: RecordToWrite, index: number): number {
  let at = writeVarint(batch, start, lengths[measured++] as number);
  batch[at++] = 0;
  batch[at++] = 0;
  at = writeVarint(batch, at, index);
  at = writePart(batch, at, key);
  at = writePart(batch, at, value);
  at = writeVarint(batch, at, headers.length);
  for (let place = 0; place < headers.length; place++) {
    const header = headers[place] as (typeof headers)[number];
    const name = encodedName(header[0]);
    batch.set(name, at);
    at = writePart(batch, at + name.length, header[1]);
  }
  return at;
}

function writePart(batch: Buffer, start: number, part: Buffer | string | null): number {
  if (part === null) {
    // -1
    batch[start] = 1;
    return start + 1;
  }
  const length = lengths[measured++] as number;
  const at = writeVarint(batch, start, length);
  if (typeof part !== 'string') batch.set(part, at);
  else if (part.length !== length) batch.write(part, at, length, 'utf8');
  // As many bytes as characters: ASCII, which is written faster if one says so.
  else if (length > SHORT) batch.write(part, at, length, 'latin1');
  else for (let index = 0; index < length; index++) batch[at + index] = part.charCodeAt(index);
  return at + length;
}

/** As `Buffer.byteLength`, of which the call takes longer than looking at a short string. */
function bytesOf(text: string): number {
  if (text.length > SHORT) return Buffer.byteLength(text);
  for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) > 0x7f) return Buffer.byteLength(text);
  return text.length;
}

function encodedName(name: string): Buffer {
  const known = names.get(name);
  if (known !== undefined) return known;
  const length = Buffer.byteLength(name);
  const encoded = Buffer.allocUnsafeSlow(sizeOfVarint(length) + length);
  encoded.write(name, writeVarint(encoded, 0, length), 'utf8');
  if (names.size < MOST_NAMES) names.set(name, encoded);
  return encoded;
}

/** Lengths and counts, none of them negative: zigzag doubles them. */
function sizeOfVarint(value: number): number {
  if (value < 0x40) return 1;
  if (value < 0x2000) return 2;
  if (value < 0x10_0000) return 3;
  return value < 0x800_0000 ? 4 : MOST_VARINT_BYTES;
}

function writeVarint(bytes: Buffer, start: number, value: number): number {
  let at = start;
  let left = (value << 1) >>> 0;
  while (left > 0x7f) {
    bytes[at++] = (left & 0x7f) | 0x80;
    left >>>= 7;
  }
  bytes[at++] = left;
  return at;
}
