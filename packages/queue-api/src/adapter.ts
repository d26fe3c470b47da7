import type { StoreCapabilities } from './capabilities.ts';
import type { QueueErrorCode } from './errors.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/**
 * The adapter contract: what somebody implements to bring a store to Switchyard. *Must*, *should* and *may* carry
 * their RFC 2119 meaning.
 *
 * A driver moves and leases envelopes. It must not loop over jobs, sleep, retry, log or decide: concurrency, retry
 * policy, dead letters, pause, shutdown and events live once, in the engine of `@switchyard/queue-service`, which is
 * the only caller of everything below. All times it passes are whole milliseconds.
 *
 * Run `@switchyard/queue-conformance` against it; every sentence here has a case there.
 */
export interface QueueAdapter<Config = unknown> {
  /** The number of the contract this adapter was written for. The engine refuses one it does not know. */
  readonly contract: typeof ADAPTER_CONTRACT;
  /** The store's name: what operators write as `defaultStore`, and the key of its section under `backend.queue`. */
  readonly store: string;
  /**
   * Validates that section. Wrong types, unknown keys and missing keys must be issues with their `path`; the engine
   * reports them with the full key. A store without settings still has a schema: one that accepts nothing but nothing.
   */
  readonly config: StandardSchemaV1<unknown, Config>;
  /**
   * Connects to the backend; called once per process and store, again after a failure. Must reject within 10 s when
   * the backend does not answer, with an error that {@link QueueStore.classify} would call `unavailable` (or a
   * `QueueError` of that code): the engine then tries again later. May also resolve at once and connect on first use.
   */
  connect(config: Config, context: AdapterContext): Promise<QueueStore>;
}

/** The contract's current number. */
export const ADAPTER_CONTRACT = 1;

/** What the engine tells and offers a connecting adapter. */
export interface AdapterContext {
  /** Unique per process; for naming this client at the backend. */
  readonly instance: string;
  /** The caps an operator set on dead letters (`backend.queue.deadLetters`). A store with its own ageing may ignore them. */
  readonly deadLetters: { readonly maxAgeMs: number; readonly maxCount: number };
  /**
   * Says something an operator should know: an eviction policy that can lose jobs, a lost connection. Call it as often
   * as it is true: the engine drops repetitions, logs, and feeds health. Never throws.
   */
  report(event: AdapterReport): void;
}

export interface AdapterReport {
  readonly level: 'warning' | 'error';
  /** Kebab-case and constant for one kind of trouble; repetitions are recognised by it. */
  readonly code: string;
  readonly message: string;
  readonly queue?: string;
  readonly cause?: unknown;
}

/** One live connection to a backend, shared by all queues of the process that use the store. */
export interface QueueStore {
  readonly capabilities: StoreCapabilities;
  /**
   * Returns a queue, made at the backend when it must be. `plugin` is `''` outside Backstage. Names are valid (rule 3)
   * and compare by case; physical names must be injective over (plugin, name, kind). May be called again after a close
   * of the same queue.
   */
  open(queue: QueueToOpen): Promise<StoreQueue>;
  /**
   * Says what an error thrown by this driver means: `unavailable` (nothing happened, may pass), `unknown-outcome` (it
   * may have been carried out), `throttled`, `denied` (rights are missing), `payload-too-large`, `lease-lost`, or
   * `rejected` (trying again cannot help). The driver throws its backend's errors untouched; the engine wraps them.
   */
  classify(error: unknown): QueueErrorCode;
  /** Ends the connection and everything under it. Idempotent; must settle within `timeoutMs`, also while down. */
  close(options: { readonly timeoutMs: number }): Promise<void>;
}

export interface QueueName {
  readonly plugin: string;
  readonly name: string;
}

/** A queue to open, and what the store may have to know about it. */
export interface QueueToOpen extends QueueName {
  /**
   * How often a job of this queue runs before it is dead, unless the job says otherwise. For stores that can be told to take
   * jobs away by themselves: they refuse what would take them before their last attempt. The engine always says it.
   */
  readonly maxAttempts?: number;
}

/**
 * One queue at the backend. Every call must settle within the deadline it is given, a black-holed network included.
 * Batches in, one outcome per entry out, in the same order: one bad entry never re-sends or blocks its neighbours.
 * A call that throws speaks for all its entries.
 */
export interface StoreQueue {
  /**
   * Stores jobs durably (as durably as the store is). Idempotent by id: an id that is already stored, in any state
   * but finished, is `ok` and changes nothing. Never more than `capabilities.maxBatch.enqueue` jobs; the driver splits
   * by bytes where its backend asks for it.
   */
  enqueue(jobs: readonly NewJob[], options: { readonly timeoutMs: number }): Promise<readonly Outcome[]>;
  /**
   * Leases up to `max` jobs that are ready, best first (rule 11), each for `leaseMs`, and counts the attempt.
   *
   * Resolves as soon as there is one; waits up to `waitMs` for one otherwise, then resolves empty. Resolves within
   * 100 ms of `signal` with what it has. A request that is then still open at the backend is kept, not cancelled; the
   * driver itself gives back what it brings.
   *
   * Jobs whose lease has ended are ready again; taking them back is part of this call or of the backend.
   */
  reserve(request: ReserveRequest): Promise<readonly Delivery[]>;
  /** Carries out what the engine decided. Never more than `capabilities.maxBatch.settle` entries. */
  settle(settlements: readonly Settlement[], options: { readonly timeoutMs: number }): Promise<readonly Outcome[]>;
  /**
   * "Finish these and lease more" in one round trip; never waits for a job. Optional: without it the engine calls
   * `settle`, then `reserve` with `waitMs: 0`.
   */
  exchange?(settlements: readonly Settlement[], request: ExchangeRequest): Promise<ExchangeResult>;
  /** Makes leases last `leaseMs` from now, by the store's clock. `lease-lost` where the receipt no longer holds one. */
  extend(
    receipts: readonly Receipt[],
    leaseMs: number,
    options: { readonly timeoutMs: number },
  ): Promise<readonly Outcome[]>;
  /** Nobody will reserve for now: give back what is buffered but not leased. The next `reserve` undoes it. */
  standby?(): Promise<void>;
  counts(): Promise<JobCounts>;
  /**
   * What an operator may watch beside the counts, by names of the driver's own: how full a buffer is, how far something has got.
   * Shown in health as it is, and asked for at any time: must answer at once, from memory, and must not throw.
   */
  figures?(): Readonly<Record<string, number>>;
  /**
   * Ends this queue's use of the connection. Idempotent; waits up to `timeoutMs` for requests that are still open and
   * gives back what they bring. Deletes nothing.
   */
  close(options: { readonly timeoutMs: number }): Promise<void>;
}

/** A job on its way into a store. */
export interface NewJob {
  /** A UUID, made by the engine. */
  readonly id: string;
  /** JSON text. Must be stored and returned as this text, never as parsed JSON. */
  readonly body: string;
  /** The engine's, opaque, at most 4 KiB in all. Must survive retries, hops and dead letters. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lower first. */
  readonly priority: number;
  /** Milliseconds until the job is ready, counted by the store's clock from when it takes the job. */
  readonly delayMs: number;
}

export interface ReserveRequest {
  /** At least 1, at most `capabilities.maxBatch.reserve`. */
  readonly max: number;
  readonly leaseMs: number;
  /** 0: answer at once. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

export interface ExchangeRequest {
  readonly max: number;
  readonly leaseMs: number;
  readonly timeoutMs: number;
}

export interface ExchangeResult {
  readonly outcomes: readonly Outcome[];
  readonly deliveries: readonly Delivery[];
}

/**
 * The driver's own token for one hand-out of one job, and the fence: it must change with every hand-out, and settling
 * or extending with a stale one must answer `lease-lost` and change nothing. The engine only passes it back.
 */
export type Receipt = unknown;

/** What `reserve` hands out. */
export type Delivery = JobDelivery | UnreadableDelivery;

export interface JobDelivery {
  readonly kind: 'job';
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly priority: number;
  /** Hand-outs so far, this one included; 1 the first time. Released hand-outs do not count where `freeRelease`. */
  readonly attempt: number;
  /** Milliseconds since the epoch, by the store's clock. */
  readonly enqueuedAt: number;
  /** The note of the last settlement, where `keepsNote`. */
  readonly note?: string;
  readonly receipt: Receipt;
}

/** Something in the queue that is not an envelope of ours. The driver keeps its bytes; the engine settles it dead. */
export interface UnreadableDelivery {
  readonly kind: 'unreadable';
  readonly why: string;
  readonly receipt: Receipt;
}

/** What becomes of a delivery. `note` is the engine's, opaque, at most 8 KiB. */
export type Settlement = { readonly receipt: Receipt } & (
  | {
      /** Done: delete the job. */
      readonly kind: 'ack';
    }
  | {
      /**
       * Handed back unrun: ready again after `delayMs` (default 0), in its old place in the order where the store can,
       * and not counted as an attempt where it can (`freeRelease`). A `note` replaces the job's.
       */
      readonly kind: 'release';
      readonly delayMs?: number;
      readonly note?: string;
    }
  | {
      /** The attempt failed: ready again after `delayMs`, counted, with its priority. */
      readonly kind: 'retry';
      readonly delayMs: number;
      readonly note: string;
    }
  | {
      /** Into the dead letters, with body or bytes, headers, note, attempts and times. */
      readonly kind: 'dead';
      readonly note: string;
    }
);

/** What became of one entry of a batch. */
export type Outcome =
  { readonly ok: true } | { readonly ok: false; readonly code: QueueErrorCode; readonly message?: string };

/** A queue's size. Waiting for a retry counts as delayed until it is due; due and expired-lease jobs as waiting. */
export interface JobCounts {
  readonly waiting: number;
  readonly delayed: number;
  readonly active: number;
  /** Dead letters, where the store can tell cheaply. */
  readonly dead?: number;
}
