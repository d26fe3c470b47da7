import {
  type AdapterContext,
  type HealthError,
  InvalidStateError,
  type QueueStore,
  QueueUnavailableError,
} from '@switchyard/queue-api';
import { configError } from '../config/config-error.ts';
import type { QueueConfig } from '../config/queue-config.ts';
import type { Clock } from '../engine/clock.ts';
import { healthError, type Reporter } from '../engine/reporter.ts';
import { withinTime } from '../engine/within-time.ts';
import type { AnyAdapter } from './load-adapter.ts';

/** The contract gives an adapter 10 s; one that hangs must not keep everybody waiting for ever. */
const CONNECT_TIMEOUT_MS = 15_000;

/** One store of this process: its checked settings, and its one connection, made when a queue first asks for it. */
export class StoreConnection {
  readonly #adapter: AnyAdapter;
  readonly #settings: unknown;
  readonly #context: AdapterContext;
  readonly #clock: Clock;
  #connecting: Promise<QueueStore> | undefined;
  #lastError: HealthError | undefined;

  /** Checks the store's section. Throws QueueConfigError. */
  static async create(
    adapter: AnyAdapter,
    config: QueueConfig,
    instance: string,
    reporter: Reporter,
    clock: Clock,
  ): Promise<StoreConnection> {
    const prefix = [config.prefix, adapter.store].filter(part => part !== '').join('.');
    const result = await adapter.config['~standard'].validate(config.sections[adapter.store]);
    if (result.issues !== undefined) throw configError(prefix, result.issues);
    return new StoreConnection(adapter, result.value, config, instance, reporter, clock);
  }

  private constructor(
    adapter: AnyAdapter,
    settings: unknown,
    { deadLetters }: QueueConfig,
    instance: string,
    reporter: Reporter,
    clock: Clock,
  ) {
    this.#adapter = adapter;
    this.#settings = settings;
    this.#clock = clock;
    this.#context = {
      instance,
      deadLetters: { maxAgeMs: deadLetters.maxAge, maxCount: deadLetters.maxCount },
      report: ({ level, code, message, queue, cause }) => {
        if (level === 'error') this.#lastError = healthError({ code, message }, clock);
        reporter.trouble(level === 'error' ? 'error' : 'warn', `${adapter.store}-${code}`, message, queue, cause);
      },
    };
  }

  /** What the adapter reported last. */
  get lastError(): HealthError | undefined {
    return this.#lastError;
  }

  /** The connection; a failed attempt is not remembered, nor one that takes too long. */
  connect(): Promise<QueueStore> {
    this.#connecting ??= this.#connect();
    return this.#connecting;
  }

  #connect(): Promise<QueueStore> {
    const connected = this.#askAdapter();
    const connecting = this.#inTime(connected).catch((error: unknown) => {
      if (this.#connecting === connecting) this.#connecting = undefined;
      connected.then(closeLate, () => {});
      throw error;
    });
    return connecting;
  }

  /** A promise also where the adapter throws at once. */
  async #askAdapter(): Promise<QueueStore> {
    return this.#adapter.connect(this.#settings, this.#context);
  }

  async #inTime(connected: Promise<QueueStore>): Promise<QueueStore> {
    if (await withinTime(this.#clock, CONNECT_TIMEOUT_MS, connected)) return connected;
    const message = `The ${this.#adapter.store} store did not answer connect within ${CONNECT_TIMEOUT_MS} ms`;
    throw new QueueUnavailableError('not-stored', message);
  }

  /** Never rejects: whatever cannot be closed properly ends with the process. */
  async close(timeoutMs: number): Promise<void> {
    const connecting = this.#connecting;
    this.#connecting = Promise.reject(new InvalidStateError(`The ${this.#adapter.store} store is closed`));
    this.#connecting.catch(() => {});
    const store = await connecting?.catch(() => undefined);
    try {
      await store?.close({ timeoutMs });
    } catch (cause) {
      this.#context.report({ level: 'warning', code: 'close-failed', message: 'Closing the store failed', cause });
    }
  }
}

function closeLate(store: QueueStore): void {
  store.close({ timeoutMs: 0 }).catch(() => {});
}
