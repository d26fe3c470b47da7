import type { QueueEvents } from './events.ts';
import type { QueueHealth } from './health.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/** One unit of work, as the handler sees it. */
export interface Job<T = any> {
  /** Given by {@link Queue.add}; the same over all attempts and on every store. Use it as the key of idempotent work. */
  readonly id: string;
  /** What was added, after a trip through JSON; with a `schema`, that schema's output. */
  readonly payload: T;
  /** 1 the first time the handler sees the job; counted when the job is handed out, so a crash counts too (rule 14). */
  readonly attempt: number;
}

/** What a handler may know and use besides its job. */
export interface JobContext {
  /**
   * Aborts when this run should end: its `timeout` is over (`JobTimeoutError`), the job now belongs to another worker
   * (`LeaseLostError`), or the process shuts down (`QueueShutdownError`). The reason is one of these errors.
   *
   * Pass it on (`fetch(url, { signal })`). A handler that ignores it keeps its slot until it returns.
   */
  readonly signal: AbortSignal;
  /** The queue's name, as given to `getQueue`. */
  readonly queue: string;
  /** When the job was added, by the store's clock. */
  readonly enqueuedAt: Date;
}

/**
 * Runs one attempt of a job. Resolving completes the job; throwing or rejecting fails the attempt (rule 12).
 *
 * Delivery is at least once: after a crash or a lost lease the same job runs again, with the same `job.id`.
 */
export type ProcessHandler<T = any> = (job: Job<T>, context: JobContext) => Promise<void> | void;

/**
 * Called once a job has used all its attempts, with `job.attempt` = attempts made and the last error. If it resolves,
 * the job is done; if it throws or takes longer than `timeout`, the job is kept in the store's dead letters (rule 18).
 *
 * For a payload that no longer matches the queue's `schema` the job carries the stored input (rule 20).
 */
export type DLQHandler<T = any> = (job: Job<T>, error: Error) => Promise<void> | void;

/** Options of one job. */
export interface JobOptions {
  /**
   * Milliseconds before the job may run, from 0 (default) to 365 days. A job never starts early (rule 5).
   */
  delay?: number;
  /**
   * An integer within ±1,000,000, default 20; lower runs first (rules 5 and 11). Where the store cannot order by
   * priority it is ignored with one warning a queue, or refused under `unsupportedOptions: error`.
   */
  priority?: number;
  /** Runs in all before the job is dead: an integer ≥ 1. Wins over the queue's and the configured `maxAttempts`. */
  maxAttempts?: number;
}

/** Options of {@link Queue.process}. */
export interface ProcessOptions {
  /** Handlers running at the same time in this process: an integer ≥ 1, default `backend.queue.defaultConcurrency`. */
  concurrency?: number;
  /** Milliseconds one attempt may take; then its signal aborts and the attempt has failed. Default: no limit. */
  timeout?: number;
  /**
   * Jobs leased ahead of free slots: an integer ≥ 0, default 0. Saves a round trip a job for short handlers; a job
   * leased ahead waits for this process even while another one is idle.
   */
  prefetch?: number;
}

/** Options of {@link QueueService.getQueue}. The first call for a name decides (rule 1). */
export interface QueueOptions<T = any> {
  /** The store that keeps the jobs; default `backend.queue.defaultStore`. Plugin code best leaves it to the operator. */
  store?: string;
  /** Last word on a job that used all its attempts. */
  dlqHandler?: DLQHandler<T>;
  /** Runs in all before a job is dead: an integer ≥ 1, default `backend.queue.maxAttempts`. */
  maxAttempts?: number;
  /**
   * Any Standard Schema (Zod, Valibot, ArkType …). Payloads are checked in `add`, and again before the handler, which
   * gets the schema's output (rule 20).
   */
  schema?: StandardSchemaV1;
}

/** One entry of {@link Queue.addBulk}. */
export interface BulkJob<T = any> {
  payload: T;
  options?: JobOptions;
}

/**
 * A named queue of jobs. `In` is what is added, `Out` what the handler gets; they differ only where a `schema`
 * transforms.
 */
export interface Queue<In = any, Out = In> {
  /**
   * Adds a job and resolves with its id once the store has it, as durably as that store keeps anything (rule 7).
   *
   * Rejects with `InvalidPayloadError`, `PayloadTooLargeError` or `InvalidArgumentError` before anything is sent, and
   * with `QueueUnavailableError` when the store did not take it within `addTimeout`; its `outcome` says whether the
   * job may be stored all the same.
   */
  add(payload: In, options?: JobOptions): Promise<string>;
  /**
   * Adds many jobs in as few round trips as the store allows and resolves with their ids in the same order.
   *
   * All are checked before the first is sent. If none was stored it rejects as `add` would; if only some were, with
   * a `BulkAddError` that has the id or the error of each.
   */
  addBulk(jobs: readonly BulkJob<In>[]): Promise<string[]>;
  /**
   * Starts handing jobs to `handler`. Throws `InvalidStateError` when the queue already has a handler (rule 9), and
   * `InvalidArgumentError` for options out of range. Store trouble does not throw here: it heals, and shows in
   * {@link Queue.health} and as `error` events.
   */
  process(handler: ProcessHandler<Out>, options?: ProcessOptions): void;
  /**
   * Jobs not finished: waiting, delayed, waiting for a retry, active; not the dead ones. Approximate on SQS and Kafka.
   * Rejects when the store cannot tell; never 0 for an error (rule 22).
   */
  getJobCount(): Promise<number>;
  /**
   * This instance stops picking up jobs; other instances get them, running handlers finish (rule 21). Resolves once
   * nothing more will be picked up. A pause made before `process` holds until `resume`.
   */
  pause(): Promise<void>;
  /** Undoes {@link Queue.pause}. */
  resume(): Promise<void>;
  /**
   * Stops picking up, lets running handlers finish within `shutdownTimeout`, then aborts their signals and hands their
   * jobs back, closes what this queue opened and forgets the handler. Deletes nothing, is idempotent, and works while
   * the store is down. `process` and `add` work again afterwards (rule 23).
   */
  disconnect(): Promise<void>;
  /**
   * Listens to what happens to jobs in this process. Returns the function that stops listening. A listener that throws
   * affects nothing (rule 28). Errors are logged as well, each kind at most once a minute.
   */
  on<E extends keyof QueueEvents>(event: E, listener: (event: QueueEvents[E]) => void): () => void;
  /** How this queue is doing in this process, right now. Never throws, asks no server. */
  health(): QueueHealth;
}
