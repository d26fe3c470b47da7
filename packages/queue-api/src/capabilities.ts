/**
 * What a store can do, in numbers and enums. The engine plans with these, the conformance kit checks that they are
 * true in both directions and prints them as the table in the docs.
 */
export interface StoreCapabilities {
  /** Most entries in one call. */
  readonly maxBatch: { readonly enqueue: number; readonly reserve: number; readonly settle: number };
  /** Calls in flight per queue that still pay off; a store where calls must stay in order says 1. */
  readonly parallel: { readonly enqueue: number; readonly reserve: number; readonly settle: number };
  /** The largest `body`, in bytes of UTF-8. The driver answers `payload-too-large` itself where more than this counts. */
  readonly maxBodyBytes: number;
  /** The longest delay, in ms. Absent: any (up to the 365 days of rule 5). */
  readonly maxDelayMs?: number;
  /** The store deletes waiting jobs older than this, in ms, and cannot be told otherwise. Absent: never. */
  readonly maxAgeMs?: number;
  /** Leases end this long after the hand-out whatever is renewed, in ms. Absent: never. */
  readonly maxLeaseMs?: number;
  /** Delays and retries are exact to this many ms (late, never early). 0 or 1: as exact as timers are. */
  readonly delayResolutionMs: number;
  /** Leases are exact to this many ms, and may last that much longer than asked. */
  readonly leaseResolutionMs: number;
  /** `strict`: any integer, exactly ordered; `lanes`: a few classes; `none`: ignored. */
  readonly priority: 'strict' | 'lanes' | 'none';
  /** `ready`: among equals first ready is first out; `none`: no promise. */
  readonly order: 'ready' | 'none';
  readonly counts: 'exact' | 'approximate';
  /** Jobs survive a crash of every process that uses the store. */
  readonly durable: boolean;
  /** Several processes work on one queue. */
  readonly shared: boolean;
  /** A hand-out whose worker died without a word still counts as an attempt. */
  readonly countsCrashes: boolean;
  /** `release` does not count as an attempt. */
  readonly freeRelease: boolean;
  /** The note of a `retry` or `release` comes back with the next delivery. */
  readonly keepsNote: boolean;
  /** An id that is there is not stored again, so that an `add` whose answer was lost can be repeated. */
  readonly knowsIds: boolean;
  /** `partition`: a dead worker's lease covers a whole partition, and jobs behind it wait for its end. */
  readonly leaseScope: 'job' | 'partition';
}
