import type {
  Delivery,
  ExchangeRequest,
  ExchangeResult,
  JobCounts,
  JobDelivery,
  NewJob,
  Outcome,
  QueueErrorCode,
  QueueName,
  QueueStore,
  Receipt,
  ReserveRequest,
  Settlement,
  StoreCapabilities,
  StoreQueue,
} from '@switchyard/queue-api';
import type { Clock } from '../../src/engine/clock.ts';
import { DriverError } from './driver-error.ts';
import { Script } from './script.ts';

const CAPABILITIES: StoreCapabilities = {
  maxBatch: { enqueue: 100, reserve: 100, settle: 100 },
  parallel: { enqueue: 2, reserve: 2, settle: 2 },
  maxBodyBytes: 1000,
  delayResolutionMs: 1,
  leaseResolutionMs: 1,
  priority: 'strict',
  order: 'ready',
  counts: 'exact',
  durable: true,
  shared: true,
  countsCrashes: true,
  freeRelease: true,
  keepsNote: true,
  knowsIds: true,
  leaseScope: 'job',
};

export interface ScriptedStoreOptions {
  /** For `reserve` calls that wait. */
  readonly clock: Clock;
  readonly exchange?: boolean;
  readonly standby?: boolean;
  readonly figures?: () => Readonly<Record<string, number>>;
  readonly capabilities?: Partial<StoreCapabilities>;
}

interface Timeout {
  readonly timeoutMs: number;
}

/**
 * A store that does what a test tells it to, and remembers what it was asked. It has no semantics of its own: it takes
 * everything, and hands out exactly what the test gave to `deliver`.
 *
 * Every call can be scripted: `store.settle.once(fails('unavailable'))`, `store.reserve.always(hangs)`.
 */
export class ScriptedStore implements QueueStore {
  readonly capabilities: StoreCapabilities;
  readonly #clock: Clock;
  readonly #backlog: Delivery[] = [];
  readonly #waiting = new Set<() => void>();

  /** Connecting, for `StoreAddress.connect`. */
  readonly connecting = new Script<[], QueueStore>(() => this);
  readonly opening: Script<[QueueName], StoreQueue>;
  readonly enqueue = new Script<[readonly NewJob[], Timeout], readonly Outcome[]>(ok);
  readonly reserve = new Script<[ReserveRequest], readonly Delivery[]>(request => this.#wait(request));
  readonly settle = new Script<[readonly Settlement[], Timeout], readonly Outcome[]>(ok);
  readonly exchange = new Script<[readonly Settlement[], ExchangeRequest], ExchangeResult>((settlements, { max }) => ({
    outcomes: ok(settlements),
    deliveries: this.handOut(max),
  }));
  readonly extend = new Script<[readonly Receipt[], number, Timeout], readonly Outcome[]>(ok);
  readonly standby = new Script<[], void>(() => {});
  readonly counts = new Script<[], JobCounts>(() => ({ waiting: 0, delayed: 0, active: 0 }));
  readonly closing = new Script<[Timeout], void>(() => {});

  constructor({ clock, exchange = false, standby = false, figures, capabilities = {} }: ScriptedStoreOptions) {
    this.#clock = clock;
    this.capabilities = { ...CAPABILITIES, ...capabilities };
    const queue = (): StoreQueue => ({
      enqueue: (...args) => this.enqueue.call(...args),
      reserve: request => this.reserve.call(request),
      settle: (...args) => this.settle.call(...args),
      extend: (...args) => this.extend.call(...args),
      counts: () => this.counts.call(),
      close: options => this.closing.call(options),
      ...(exchange && {
        exchange: (entries: readonly Settlement[], request: ExchangeRequest) => this.exchange.call(entries, request),
      }),
      ...(standby && { standby: () => this.standby.call() }),
      ...(figures && { figures }),
    });
    this.opening = new Script<[QueueName], StoreQueue>(queue);
  }

  open(name: QueueName): Promise<StoreQueue> {
    return this.opening.call(name);
  }

  classify(error: unknown): QueueErrorCode {
    return error instanceof DriverError ? error.code : 'rejected';
  }

  async close(): Promise<void> {}

  /** Puts jobs where `reserve` and `exchange` find them. */
  deliver(...deliveries: readonly Delivery[]): void {
    this.#backlog.push(...deliveries);
    for (const wake of this.#waiting) wake();
  }

  /** What was delivered and nobody has asked for yet. */
  get backlog(): number {
    return this.#backlog.length;
  }

  handOut(max: number): readonly Delivery[] {
    return this.#backlog.splice(0, max);
  }

  /** All settlements the store was sent, in order, repetitions included. */
  get settled(): readonly Settlement[] {
    return [...this.settle.calls, ...this.exchange.calls].toSorted((a, b) => a.order - b.order).flatMap(c => c.args[0]);
  }

  /** As `kind id`, e.g. `ack a`; receipts of `job()` are ids. */
  get settlements(): readonly string[] {
    return this.settled.map(({ kind, receipt }) => `${kind} ${String(receipt)}`);
  }

  #wait({ max, waitMs, signal }: ReserveRequest): readonly Delivery[] | Promise<readonly Delivery[]> {
    if (this.#backlog.length > 0 || waitMs === 0 || signal.aborted) return this.handOut(max);
    return new Promise(resolve => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        this.#waiting.delete(end);
        resolve(this.handOut(max));
      };
      const timer = this.#clock.setTimeout(end, waitMs);
      signal.addEventListener('abort', end);
      this.#waiting.add(end);
    });
  }
}

function ok(entries: readonly unknown[]): readonly Outcome[] {
  return entries.map(() => ({ ok: true }));
}

/** A job as a store hands it out; its receipt is its id, unless told otherwise. */
export function job(id: string, delivery: Partial<JobDelivery> = {}): JobDelivery {
  return {
    kind: 'job',
    id,
    body: JSON.stringify(id),
    headers: {},
    priority: 20,
    attempt: 1,
    enqueuedAt: 0,
    receipt: id,
    ...delivery,
  };
}

export const newJob = (id: string): NewJob => ({ id, body: '1', headers: {}, priority: 20, delayMs: 0 });
