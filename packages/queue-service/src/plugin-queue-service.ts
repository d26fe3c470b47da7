import {
  InvalidArgumentError,
  InvalidStateError,
  isQueueError,
  type Queue,
  type QueueOptions,
  type QueueService,
  type QueueServiceHealth,
} from '@switchyard/queue-api';
import { processesQueue, type QueueConfig } from './config/queue-config.ts';
import type { Random } from './engine/backoff.ts';
import type { Clock } from './engine/clock.ts';
import { checkMaxAttempts } from './engine/job-options.ts';
import { QueueHandle } from './engine/queue-handle.ts';
import type { SuspectRoom } from './engine/suspect-room.ts';
import type { Reporter } from './engine/reporter.ts';
import { isTransient } from './engine/store-link.ts';
import { withinTime } from './engine/within-time.ts';
import type { StoreRegistry } from './stores/store-registry.ts';

export interface PluginQueueServiceOptions {
  /** `''` outside Backstage. */
  readonly plugin: string;
  readonly config: QueueConfig;
  readonly stores: StoreRegistry;
  readonly suspectRoom: SuspectRoom;
  readonly reporter: Reporter;
  readonly clock: Clock;
  readonly random: Random;
}

const VALID_NAME = /^[A-Za-z0-9._-]{1,64}$/;
/** `getQueue` waits this long for a store that does not answer, then returns a queue that heals. */
const FIRST_CONTACT_MS = 5000;

/** The queues of one plugin. */
export class PluginQueueService implements QueueService {
  readonly #options: PluginQueueServiceOptions;
  readonly #queues = new Map<string, { readonly options: QueueOptions; readonly handle: Promise<QueueHandle> }>();
  readonly #handles = new Set<QueueHandle>();
  #draining = false;
  #closed = false;

  constructor(options: PluginQueueServiceOptions) {
    this.#options = options;
  }

  async getQueue(name: string, options: QueueOptions = {}): Promise<Queue> {
    if (this.#closed) throw new InvalidStateError(`getQueue('${name}'): the queue service has been shut down`);
    checkName(name);
    checkMaxAttempts(options.maxAttempts);
    const known = this.#queues.get(name);
    if (known !== undefined) {
      this.#warnAboutDifferences(name, known.options, options);
      return known.handle;
    }
    const handle = this.#create(name, options);
    this.#queues.set(name, { options, handle });
    handle.catch(() => this.#queues.delete(name));
    return handle;
  }

  health(): QueueServiceHealth {
    const queues = [...this.#handles].map(handle => handle.health());
    return { healthy: queues.every(queue => queue.healthy), queues };
  }

  /** Stops picking up on all queues and waits for running handlers; adding goes on. */
  async drain(): Promise<void> {
    this.#draining = true;
    await Promise.all([...this.#handles].map(handle => handle.drain()));
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#draining = true;
    await Promise.allSettled([...this.#queues.values()].map(({ handle }) => handle));
    await Promise.all([...this.#handles].map(handle => handle.close()));
  }

  async #create(name: string, options: QueueOptions): Promise<QueueHandle> {
    const { plugin, config, stores, reporter, clock, random, suspectRoom } = this.#options;
    const store = options.store ?? config.defaultStore;
    const connection = await stores.get(store);
    const handle = new QueueHandle({
      address: { plugin, name, connect: () => connection.connect() },
      store,
      storeError: () => connection.lastError,
      dlqHandler: options.dlqHandler,
      schema: options.schema,
      maxAttempts: options.maxAttempts ?? config.maxAttempts,
      defaultConcurrency: config.defaultConcurrency,
      leaseMs: config.leaseDuration,
      addTimeoutMs: config.addTimeout,
      shutdownTimeoutMs: config.shutdownTimeout,
      unsupportedOptions: config.unsupportedOptions,
      processes: processesQueue(config, { plugin, name }),
      clock,
      random,
      reporter,
      suspectRoom,
    });
    await this.#firstContact(handle);
    this.#handles.add(handle);
    if (this.#draining) await handle.drain();
    return handle;
  }

  /** A mistake shows here; a store that is down does not: the queue heals when it is back (rule 25). */
  async #firstContact(handle: QueueHandle): Promise<void> {
    let mistake: unknown;
    const opened = handle.open().catch((error: unknown) => {
      if (!isQueueError(error) || !isTransient(error.code)) mistake = error;
    });
    await withinTime(this.#options.clock, FIRST_CONTACT_MS, opened);
    if (mistake !== undefined) throw mistake;
  }

  #warnAboutDifferences(name: string, first: QueueOptions, later: QueueOptions): void {
    const ignored = (Object.keys(later) as (keyof QueueOptions)[]).filter(
      key => later[key] !== undefined && later[key] !== first[key],
    );
    if (ignored.length === 0) return;
    const message = `Queue ${name} exists already, so these options of a later getQueue are ignored: ${ignored.join(', ')}`;
    this.#options.reporter.trouble('warn', `options-ignored-${ignored.join('-')}`, message, name);
  }
}

function checkName(name: unknown): void {
  if (typeof name === 'string' && VALID_NAME.test(name)) return;
  const shown = typeof name === 'string' ? JSON.stringify(name.slice(0, 100)) : `a ${typeof name}`;
  const message = `A queue's name is 1 to 64 characters of A-Z a-z 0-9 . _ - but this one is ${shown}`;
  throw new InvalidArgumentError('name', message);
}
