import { randomUUID } from 'node:crypto';
import {
  type BulkJob,
  type DLQHandler,
  type HealthError,
  InvalidArgumentError,
  InvalidStateError,
  isQueueError,
  type JobOptions,
  type NewJob,
  PayloadTooLargeError,
  type ProcessHandler,
  type ProcessOptions,
  type Queue,
  type QueueEvents,
  type QueueHealth,
  type StandardSchemaV1,
  type StoreCapabilities,
} from '@switchyard/queue-api';
import type { Random } from './backoff.ts';
import type { Clock } from './clock.ts';
import { Consumer } from './consumer.ts';
import { Emitter } from './emitter.ts';
import { jobHeaders } from './job-headers.ts';
import {
  checkDelayFits,
  checkJobOptions,
  checkProcessOptions,
  DEFAULT_PRIORITY,
  unsupportedOption,
} from './job-options.ts';
import { Lifecycle } from './lifecycle.ts';
import { Producer } from './producer.ts';
import { healthError, type Reporter } from './reporter.ts';
import { serializePayload } from './serialize-payload.ts';
import { Slots } from './slots.ts';
import { type StoreAddress, StoreLink } from './store-link.ts';
import type { SuspectRoom } from './suspect-room.ts';
import { validatePayload } from './validate-payload.ts';
import { withinTime } from './within-time.ts';

/** Everything a queue is made of besides its store. Durations in ms. */
export interface QueueSettings {
  readonly address: StoreAddress;
  readonly store: string;
  /** What the store's adapter reported last. */
  readonly storeError: () => HealthError | undefined;
  readonly dlqHandler: DLQHandler | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  readonly maxAttempts: number;
  readonly defaultConcurrency: number;
  readonly leaseMs: number;
  readonly addTimeoutMs: number;
  readonly shutdownTimeoutMs: number;
  readonly unsupportedOptions: 'warn' | 'error';
  /** `false`: this instance only adds. */
  readonly processes: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly reporter: Reporter;
  /** The process's, for all its queues. */
  readonly suspectRoom: SuspectRoom;
}

/** How long `disconnect` waits for jobs that are being added. */
const ADD_TIMEOUT_MS = 3000;
const CLOSE_TIMEOUT_MS = 2000;
const COUNT_TIMEOUT_MS = 10_000;

/** A queue as its users hold it: puts producer, consumer and lifecycle behind the `Queue` interface. */
export class QueueHandle implements Queue {
  readonly #settings: QueueSettings;
  readonly #name: string;
  readonly #link: StoreLink;
  readonly #emitter: Emitter;
  readonly #producer: Producer;
  readonly #lifecycle: Lifecycle;
  readonly #slots = new Slots();
  readonly #warnedAbout = new Set<string>();
  #consumer: Consumer | undefined;
  #disconnecting: Promise<void> | undefined;
  #closed = false;

  constructor(settings: QueueSettings) {
    const { address, maxAttempts, clock, random, reporter, addTimeoutMs } = settings;
    this.#settings = settings;
    this.#name = address.name;
    this.#emitter = new Emitter(error =>
      reporter.trouble('warn', 'listener-failed', 'An event listener threw', this.#name, error),
    );
    this.#link = new StoreLink({ ...address, maxAttempts }, clock, reporter, error =>
      this.#emitter.emit('error', { error }),
    );
    this.#producer = new Producer({ queue: this.#name, link: this.#link, clock, random, addTimeoutMs });
    this.#lifecycle = new Lifecycle(this.#name);
  }

  /** Reaches for the store. Rejects with a QueueError. */
  async open(): Promise<void> {
    await this.#link.open();
  }

  async add(payload: unknown, options: JobOptions = {}): Promise<string> {
    const envelope = this.#envelope(this.#serialize(payload, options), options);
    if (envelope instanceof Promise) return this.#addSlowly(envelope);
    await this.#producer.add(envelope);
    this.#added(envelope.id);
    return envelope.id;
  }

  /** The time it takes to reach the store is part of `addTimeout`. */
  async #addSlowly(envelope: Promise<NewJob>): Promise<string> {
    const since = this.#settings.clock.now();
    const job = await envelope;
    await this.#producer.add(job, since);
    this.#added(job.id);
    return job.id;
  }

  async addBulk(jobs: readonly BulkJob[]): Promise<string[]> {
    const copies = jobs.map(
      ({ payload, options = {} }) => [this.#serialize(payload, options), { ...options }] as const,
    );
    const prepared: NewJob[] = [];
    for (const [body, options] of copies) {
      const envelope = this.#envelope(body, options);
      prepared.push(envelope instanceof Promise ? await envelope : envelope);
    }
    try {
      await this.#producer.addAll(prepared);
    } catch (error) {
      if (isQueueError(error, 'bulk-add')) for (const id of error.results) if (typeof id === 'string') this.#added(id);
      throw error;
    }
    return prepared.map(({ id }) => {
      this.#added(id);
      return id;
    });
  }

  process(handler: ProcessHandler, options: ProcessOptions = {}): void {
    if (typeof handler !== 'function') {
      throw new InvalidArgumentError('handler', `process() needs a function as its handler, got a ${typeof handler}`);
    }
    checkProcessOptions(options);
    if (this.#disconnecting !== undefined) throw this.#lifecycle.disconnectingError();
    const { processes, reporter } = this.#settings;
    this.#lifecycle.process(() => {
      if (processes) return (this.#consumer = this.#createConsumer(handler, options));
      reporter.log(
        'info',
        `Queue ${this.#name} is not processed here: backend.queue.process leaves it to other instances`,
      );
      return undefined;
    });
  }

  async getJobCount(): Promise<number> {
    this.#checkOpen();
    const { waiting, delayed, active } = await this.#link.call('counts', COUNT_TIMEOUT_MS, queue => queue.counts());
    return waiting + delayed + active;
  }

  pause(): Promise<void> {
    const paused = this.#lifecycle.pause();
    return this.#disconnecting ?? paused;
  }

  resume(): Promise<void> {
    const resumed = this.#lifecycle.resume();
    return this.#disconnecting ?? resumed;
  }

  disconnect(): Promise<void> {
    this.#disconnecting ??= this.#disconnect().finally(() => (this.#disconnecting = undefined));
    return this.#disconnecting;
  }

  /** Stops picking up and waits for running handlers, for good; adding goes on (rule 24). */
  async drain(): Promise<void> {
    await this.#lifecycle.retire(this.#settings.shutdownTimeoutMs);
  }

  /** Drains, then closes for good. */
  async close(): Promise<void> {
    await this.drain();
    this.#closed = true;
    await this.disconnect();
  }

  on<E extends keyof QueueEvents>(event: E, listener: (event: QueueEvents[E]) => void): () => void {
    return this.#emitter.on(event, listener);
  }

  health(): QueueHealth {
    const poll = this.#consumer?.lastSuccessfulPoll;
    const lastError = latest(this.#link.lastError, this.#settings.storeError());
    const figures = this.#link.figures;
    return {
      name: this.#name,
      store: this.#settings.store,
      state: this.#disconnecting === undefined ? this.#lifecycle.state : 'stopping',
      healthy: this.#link.healthy,
      processes: this.#settings.processes,
      active: this.#slots.size,
      ...(figures !== undefined && { figures }),
      ...(poll !== undefined && { lastSuccessfulPoll: new Date(poll) }),
      ...(lastError !== undefined && { lastError }),
    };
  }

  async #disconnect(): Promise<void> {
    const { clock, shutdownTimeoutMs } = this.#settings;
    await this.#lifecycle.disconnect(shutdownTimeoutMs);
    // Whoever goes on adding, or adds to a store that is down, is not waited for: such an `add` opens the queue again.
    await withinTime(clock, ADD_TIMEOUT_MS, this.#producer.idle());
    await this.#link.close(CLOSE_TIMEOUT_MS);
  }

  /** Never waits: what the caller does to the payload afterwards is not seen (rule 4). */
  #serialize(payload: unknown, options: JobOptions): string {
    this.#checkOpen();
    checkJobOptions(options);
    return serializePayload(payload);
  }

  /** Without a promise when nothing has to be waited for, as most of the time. */
  #envelope(body: string, options: JobOptions): NewJob | Promise<NewJob> {
    const { capabilities } = this.#link;
    if (capabilities === undefined || this.#settings.schema !== undefined)
      return this.#envelopeSlowly(body, { ...options });
    return this.#job(body, options, capabilities);
  }

  async #envelopeSlowly(body: string, options: JobOptions): Promise<NewJob> {
    const { schema } = this.#settings;
    if (schema !== undefined) await validatePayload(schema, JSON.parse(body));
    return this.#job(body, options, this.#link.capabilities ?? (await this.#producer.capabilities()));
  }

  #job(body: string, options: JobOptions, capabilities: StoreCapabilities): NewJob {
    this.#checkFits(body, options, capabilities);
    return {
      id: randomUUID(),
      body,
      headers: jobHeaders(options.maxAttempts),
      priority: options.priority ?? DEFAULT_PRIORITY,
      // Whole milliseconds, and never early.
      delayMs: Math.ceil(options.delay ?? 0),
    };
  }

  #checkFits(body: string, options: JobOptions, capabilities: StoreCapabilities): void {
    const { store, unsupportedOptions, reporter } = this.#settings;
    const size = Buffer.byteLength(body);
    if (size > capabilities.maxBodyBytes) {
      const limit = capabilities.maxBodyBytes;
      const message = `The payload has ${size} bytes as JSON, the ${store} store takes ${limit}: store the data elsewhere and send a reference`;
      throw new PayloadTooLargeError(size, limit, message, { queue: this.#name });
    }
    checkDelayFits(options, store, capabilities);
    const unsupported = unsupportedOption(options, store, capabilities);
    if (unsupported === undefined) return;
    if (unsupportedOptions === 'error') throw unsupported;
    if (this.#warnedAbout.has(unsupported.option)) return;
    this.#warnedAbout.add(unsupported.option);
    reporter.log('warn', `Queue ${this.#name}: ${unsupported.message}. It is ignored.`);
  }

  #added(id: string): void {
    if (this.#emitter.hears('added')) this.#emitter.emit('added', { id });
  }

  #createConsumer(handler: ProcessHandler, options: ProcessOptions): Consumer {
    const { clock, random, dlqHandler, schema, maxAttempts, leaseMs, defaultConcurrency } = this.#settings;
    return new Consumer({
      queue: this.#name,
      link: this.#link,
      slots: this.#slots,
      suspectRoom: this.#settings.suspectRoom,
      clock,
      random,
      emitter: this.#emitter,
      handler,
      dlqHandler,
      schema,
      concurrency: options.concurrency ?? defaultConcurrency,
      prefetch: options.prefetch ?? 0,
      timeoutMs: options.timeout,
      maxAttempts,
      leaseMs,
      onError: (error, jobId) => this.#trouble(error, jobId),
    });
  }

  #trouble(error: Error, jobId: string | undefined): void {
    const { reporter, clock } = this.#settings;
    const { code, message } = healthError(error, clock);
    reporter.trouble('warn', `job-${code}`, `Queue ${this.#name}: ${message}`, this.#name, error.cause);
    this.#emitter.emit('error', { error, ...(jobId !== undefined && { id: jobId }) });
  }

  #checkOpen(): void {
    if (!this.#closed) return;
    throw new InvalidStateError(`Queue ${this.#name} is closed: its service has been shut down`, { queue: this.#name });
  }
}

function latest(one: HealthError | undefined, other: HealthError | undefined): HealthError | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return one.at > other.at ? one : other;
}
