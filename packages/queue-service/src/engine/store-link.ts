import {
  isQueueError,
  LeaseLostError,
  type HealthError,
  type QueueError,
  type QueueErrorCode,
  type QueueName,
  type QueueStore,
  type QueueToOpen,
  QueueUnavailableError,
  type StoreCapabilities,
  StoreError,
  type StoreQueue,
} from '@switchyard/queue-api';
import type { Clock, Timer } from './clock.ts';
import { healthError, type Reporter } from './reporter.ts';
import { withinTime } from './within-time.ts';

/** What the engine asks of a store, by the name under which health and logs show it. */
export type StoreOperation = 'connect' | 'enqueue' | 'reserve' | 'settle' | 'extend' | 'counts' | 'standby' | 'close';

export interface OpenQueue {
  readonly store: QueueStore;
  readonly queue: StoreQueue;
}

/** Where a queue lives. */
export interface StoreAddress extends QueueName {
  /** The store's live connection: shared with the other queues, made when it is first asked for. */
  readonly connect: () => Promise<QueueStore>;
}

/** A driver gets this long past its own deadline before the engine stops believing in it. */
const OVERTIME_MS = 2000;
const CONNECT_TIMEOUT_MS = 15_000;
/** The worker repeats these until they work: a good call of another kind says nothing about them. */
const REPEATED: ReadonlySet<StoreOperation> = new Set(['reserve', 'settle']);

/**
 * The one way from the engine to a store's queue, and the seam where telemetry will sit.
 *
 * It opens the queue on first use and again after a close (single flight; a failure is not remembered), and promises
 * of every call: it settles in time whatever the driver does, and it rejects only with a QueueError. What arrives after
 * a call was given up goes to `onLate`, so that a lease in a late answer is not stranded.
 */
export class StoreLink {
  readonly #address: StoreAddress & QueueToOpen;
  readonly #name: string;
  readonly #clock: Clock;
  readonly #reporter: Reporter;
  readonly #onError: (error: QueueError) => void;
  /** What failed and has not succeeded since; `true` while it will be tried again, so that only its own success counts. */
  readonly #failing = new Map<StoreOperation, boolean>();
  /** One for each call under way. */
  readonly #timers = new Set<Timer>();
  #open: OpenQueue | undefined;
  #opening: Promise<OpenQueue> | undefined;
  #closing: Promise<void> | undefined;
  #lastError: HealthError | undefined;

  constructor(
    address: StoreAddress & QueueToOpen,
    clock: Clock,
    reporter: Reporter,
    onError: (error: QueueError) => void,
  ) {
    this.#onError = onError;
    this.#address = address;
    this.#name = address.name;
    this.#clock = clock;
    this.#reporter = reporter;
  }

  /** The open queue, if there is one right now. */
  get current(): OpenQueue | undefined {
    return this.#open;
  }

  get capabilities(): StoreCapabilities | undefined {
    return this.#open?.store.capabilities;
  }

  /** What the store shows of its part; nothing where it shows none, or fails to. */
  get figures(): Readonly<Record<string, number>> | undefined {
    try {
      return this.#open?.queue.figures?.();
    } catch {
      return undefined;
    }
  }

  /** `false` after a failed call, until the store answers again. */
  get healthy(): boolean {
    return this.#failing.size === 0;
  }

  get lastError(): HealthError | undefined {
    return this.#lastError;
  }

  /** Opens the queue if it is not. Rejects with a QueueError. */
  async open(): Promise<OpenQueue> {
    // Awaited only when there is something to await: a `close` in the same turn must find what has begun to open.
    while (this.#closing !== undefined) await this.#closing;
    return this.#open ?? this.#opening ?? this.#startOpening();
  }

  #startOpening(): Promise<OpenQueue> {
    const opening = this.#openOnce(() => this.#opening === opening);
    this.#opening = opening;
    const end = () => {
      if (this.#opening === opening) this.#opening = undefined;
    };
    opening.then(end, end);
    return opening;
  }

  /** `isWanted` turns false when `close` does not wait for it any longer. */
  async #openOnce(isWanted: () => boolean): Promise<OpenQueue> {
    const { connect, ...address } = this.#address;
    const { name } = address;
    let store: QueueStore | undefined;
    try {
      const connected = await this.#inTime(connect, CONNECT_TIMEOUT_MS, 'connect');
      store = connected;
      const queue = await this.#inTime(() => connected.open(address), CONNECT_TIMEOUT_MS, 'connect', abandon);
      if (!isWanted()) {
        abandon(queue);
        throw new QueueUnavailableError('not-stored', `Queue ${name} was closed while it was opened`, { queue: name });
      }
      this.#open = { store, queue };
      this.#succeeded('connect');
      return this.#open;
    } catch (error) {
      throw isWanted() ? this.#failed('connect', error, store) : this.#wrap('connect', error, store);
    }
  }

  /** One call to the store: opened, bounded by `timeoutMs`, its errors classified, its result seen by health. */
  async call<T>(
    operation: StoreOperation,
    timeoutMs: number,
    run: (queue: StoreQueue) => Promise<T>,
    onLate?: (result: T) => void,
  ): Promise<T> {
    const open = this.#open ?? (await this.open());
    try {
      const result = await this.#inTime(() => run(open.queue), timeoutMs + OVERTIME_MS, operation, onLate);
      if (this.#failing.size > 0 && this.#open === open) this.#succeeded(operation);
      return result;
    } catch (error) {
      // What becomes of calls on a queue that was closed meanwhile says nothing about the store.
      throw this.#open === open ? this.#failed(operation, error, open.store) : this.#wrap(operation, error, open.store);
    }
  }

  /** Closes the queue within `timeoutMs`; a later call opens it again. Never rejects. */
  close(timeoutMs: number): Promise<void> {
    this.#closing ??= this.#closeOnce(timeoutMs).finally(() => (this.#closing = undefined));
    return this.#closing;
  }

  async #closeOnce(timeoutMs: number): Promise<void> {
    const end = this.#clock.now() + timeoutMs;
    const opening = this.#opening;
    if (opening !== undefined && !(await withinTime(this.#clock, timeoutMs, opening))) this.#opening = undefined;
    const open = this.#open;
    this.#open = undefined;
    this.#failing.clear();
    // What is still under way is nobody's business any more, and must not keep the process.
    for (const timer of this.#timers) timer.unref();
    if (open === undefined) return;
    const leftMs = Math.max(0, end - this.#clock.now());
    try {
      await this.#inTime(() => open.queue.close({ timeoutMs: leftMs }), leftMs + OVERTIME_MS, 'close');
    } catch (error) {
      this.#reporter.trouble('warn', 'close-failed', 'Closing the queue failed', this.#name, error);
    }
  }

  #inTime<T>(
    run: () => Promise<T>,
    timeoutMs: number,
    operation: StoreOperation,
    onLate?: (result: T) => void,
  ): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const promise = run();
      let late = false;
      const timer = this.#clock.setTimeout(() => {
        this.#timers.delete(timer);
        late = true;
        const message = `Queue ${this.#name}: the store did not answer ${operation} within ${timeoutMs} ms`;
        const details = { queue: this.#name };
        // Nothing is ever sent to a queue before it is open.
        if (operation === 'connect') reject(new QueueUnavailableError('not-stored', message, details));
        else reject(new StoreError('unknown-outcome', message, details));
      }, timeoutMs);
      this.#timers.add(timer);
      promise.then(
        result => {
          timer.cancel();
          this.#timers.delete(timer);
          if (late) onLate?.(result);
          else resolve(result);
        },
        (error: unknown) => {
          timer.cancel();
          this.#timers.delete(timer);
          reject(error);
        },
      );
    });
  }

  /** Nobody tries this again for now: from here on any good call shows that the store is well. */
  givenUp(operation: StoreOperation): void {
    if (this.#failing.has(operation)) this.#failing.set(operation, false);
  }

  #succeeded(operation: StoreOperation): void {
    if (this.#failing.size === 0) return;
    for (const [failing, isTriedAgain] of this.#failing) {
      if (failing === operation || !isTriedAgain) this.#failing.delete(failing);
    }
    if (this.#failing.size > 0) return;
    this.#reporter.log('info', `Queue ${this.#name}: the store answers again`, { queue: this.#name });
  }

  #failed(operation: StoreOperation, thrown: unknown, store: QueueStore | undefined): QueueError {
    const error = this.#wrap(operation, thrown, store);
    this.#failing.set(operation, REPEATED.has(operation));
    this.#lastError = healthError(error, this.#clock);
    this.#reporter.trouble('warn', `${operation}-${error.code}`, error.message, this.#name, error.cause);
    this.#onError(error);
    return error;
  }

  #wrap(operation: StoreOperation, thrown: unknown, store: QueueStore | undefined): QueueError {
    if (isQueueError(thrown)) return thrown;
    const code = classify(store, thrown);
    const details = { queue: this.#name, cause: thrown };
    const what = `Queue ${this.#name}: ${operation} failed at the store`;
    switch (code) {
      case 'unavailable':
        return new QueueUnavailableError('not-stored', what, details);
      case 'lease-lost':
        return new LeaseLostError(what, details);
      case 'denied':
      case 'throttled':
      case 'unknown-outcome':
        return new StoreError(code, what, details);
      default:
        return new StoreError('rejected', what, details);
    }
  }
}

function abandon(late: StoreQueue): void {
  late.close({ timeoutMs: 0 }).catch(() => {});
}

/** Before there is a store, nobody can say what an error means; trying again is the harmless guess. */
function classify(store: QueueStore | undefined, thrown: unknown): QueueErrorCode {
  try {
    return store === undefined ? 'unavailable' : store.classify(thrown);
  } catch {
    return 'rejected';
  }
}

/** Whether the same call may succeed later without anybody changing the call. */
export function isTransient(code: QueueErrorCode): boolean {
  return code === 'unavailable' || code === 'unknown-outcome' || code === 'throttled';
}
