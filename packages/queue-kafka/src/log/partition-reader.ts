import type { FetchedPartition } from '../kafka/raw-apis.ts';
import { type FetchedRecord, RecordCursor } from '../kafka/record-batch-reader.ts';
import { type Ledger } from './ledger.ts';
import type { StartingPoint } from './starting-point.ts';

/** Below this much in memory a partition is fetched. What one fetch brings lasts for longer than the next takes. */
const LOW_WATER_BYTES = 512 * 1024;

/**
 * One partition that is ours: what was fetched and not handed out, and the ledger of what was. It is thrown away when the
 * partition is not ours any more, and whoever still holds a record of it finds that `isOurs` is false.
 */
export class PartitionReader {
  readonly topic: string;
  readonly topicId: string;
  readonly partition: number;
  /** For how long after it was appended nothing in it is needed, in ms. */
  readonly restMs: number;
  readonly ledger: Ledger;
  isOurs = true;
  /** Somebody else may have had it meanwhile: nothing is handed out until that is known. */
  isDoubtful = false;
  /** It was idle when the group began to share out anew, and may be given to another. */
  isFrozen = false;
  /** In a join since the last share it was idle: a share that never arrived may have given it to another. */
  wasOffered = false;
  /** Since when somebody else is to get it: what runs may finish, and nothing more is handed out. By `performance`, in ms. */
  revokedAt: number | undefined;
  /** What runs takes long: we have asked to keep it for a while. */
  isPinned = false;
  /** Ends the time that what runs has. */
  patience: NodeJS.Timeout | undefined;
  /** How many of its records are under way. */
  leased = 0;
  /** Kafka's epoch of the leader that appended what comes before `position`; -1: not known. */
  lastEpoch: number;
  #position: number;
  #cursors: RecordCursor[] = [];
  #bytes = 0;
  #head: FetchedRecord | undefined;
  /** Up to this offset there are no records, which the ledger has no room to know. */
  #gapTo: number | undefined;
  readonly #changed: (partition: PartitionReader) => void;
  readonly #roomy: () => void;
  readonly #outOfRange: (partition: PartitionReader, logEnd: number) => void;

  constructor(
    place: { readonly topic: string; readonly topicId: string; readonly partition: number; readonly restMs: number },
    { ledger, lastEpoch }: StartingPoint,
    on: {
      readonly changed: (partition: PartitionReader) => void;
      /** It has room again. */
      readonly roomy: () => void;
      readonly outOfRange: (partition: PartitionReader, logEnd: number) => void;
    },
  ) {
    this.topic = place.topic;
    this.topicId = place.topicId;
    this.partition = place.partition;
    this.restMs = place.restMs;
    this.ledger = ledger;
    this.lastEpoch = lastEpoch;
    this.#position = ledger.next;
    this.#changed = on.changed;
    this.#roomy = on.roomy;
    this.#outOfRange = on.outOfRange;
  }

  get position(): number {
    return this.#position;
  }

  get isRevoked(): boolean {
    return this.revokedAt !== undefined;
  }

  /** It stays after all. */
  keep(): void {
    this.revokedAt = undefined;
    // The time that it was asked for goes on.
    if (this.isPinned) return;
    clearTimeout(this.patience);
    this.patience = undefined;
  }

  /** May records be taken out of it now? */
  get isOpen(): boolean {
    return this.isOurs && !this.isDoubtful && !this.isFrozen && !this.isRevoked;
  }

  get wantsMore(): boolean {
    return this.isOurs && !this.isRevoked && this.#bytes < LOW_WATER_BYTES;
  }

  accept({ records, abortedTransactions }: FetchedPartition): void {
    if (!this.isOurs || records.length === 0) return;
    const cursor = new RecordCursor(records, this.#position, abortedTransactions);
    if (cursor.nextOffset === this.#position) return;
    this.#position = cursor.nextOffset;
    this.lastEpoch = cursor.lastEpoch;
    this.#cursors.push(cursor);
    this.#bytes += cursor.bytes;
    this.#changed(this);
  }

  outOfRange(logEnd: number): void {
    if (this.isOurs) this.#outOfRange(this, logEnd);
  }

  /** The next record that nobody has finished, without taking it. */
  peek(): FetchedRecord | undefined {
    while (this.#head === undefined) {
      const [cursor] = this.#cursors;
      if (cursor === undefined) return undefined;
      const record = cursor.next();
      if (record === undefined) {
        // Behind its last record there may be offsets without any.
        if (!this.#skipTo(cursor.nextOffset)) return undefined;
        this.#drop(cursor);
      } else if (record.offset < this.ledger.next) {
        continue;
      } else if (this.ledger.isFinished(record.offset)) {
        this.ledger.skipTo(record.offset + 1);
      } else {
        this.#head = record;
      }
    }
    return this.#head;
  }

  /** Is the next record held up by one that hangs? */
  get isHeldUp(): boolean {
    const next = this.#head?.offset ?? this.#gapTo;
    return next !== undefined && !this.ledger.hasRoomFor(next);
  }

  /** Takes the next record, unless there is none, or it has to wait for one that hangs. */
  take(): FetchedRecord | undefined {
    const record = this.peek();
    if (record === undefined || !this.ledger.hasRoomFor(record.offset)) return undefined;
    this.ledger.open(record.offset);
    this.#head = undefined;
    return record;
  }

  #drop(cursor: RecordCursor): void {
    const hadRoom = this.wantsMore;
    this.#cursors.shift();
    this.#bytes -= cursor.bytes;
    if (!hadRoom && this.wantsMore) this.#roomy();
  }

  #skipTo(offset: number): boolean {
    this.#gapTo = offset > this.ledger.next && !this.ledger.hasRoomFor(offset - 1) ? offset - 1 : undefined;
    if (this.#gapTo !== undefined) return false;
    this.ledger.skipTo(offset);
    return true;
  }
}
