import type { ReadJob } from './job-record.ts';
import type { FetchedRecord } from './kafka/record-batch-reader.ts';
import type { PartitionReader } from './log/partition-reader.ts';

/** A record that was taken out of its partition. What can be read is kept as that: the bytes would keep a whole fetch alive. */
export interface Taken {
  readonly offset: number;
  /** By the broker's clock, in ms. */
  readonly enqueuedAt: number;
  readonly content:
    | { readonly kind: 'job'; readonly job: ReadJob }
    | { readonly kind: 'unreadable'; readonly why: string; readonly record: FetchedRecord };
}

/**
 * One hand-out of one record, and its receipt. It holds while the partition is ours and nothing was decided; every hand-out makes
 * another one.
 */
export class Lease {
  readonly reader: PartitionReader;
  readonly taken: Taken;
  /** Settled, or given back: the receipt is used up. */
  isOver = false;
  /** By the clock of `performance`, in ms. */
  endsAt: number;
  /** Being stored elsewhere; whoever says it again waits for the same. */
  moving: Promise<Error | undefined> | undefined;

  constructor(reader: PartitionReader, taken: Taken, endsAt: number) {
    this.reader = reader;
    this.taken = taken;
    this.endsAt = endsAt;
  }

  get holds(): boolean {
    return !this.isOver && this.reader.isOurs;
  }
}
