import type { QueueService, QueueServiceHealth } from '@switchyard/queue-api';
import { parseQueueConfig, type QueueConfig } from './config/queue-config.ts';
import type { Random } from './engine/backoff.ts';
import { type Clock, systemClock } from './engine/clock.ts';
import { type Logger, Reporter } from './engine/reporter.ts';
import { SuspectRoom } from './engine/suspect-room.ts';
import { PluginQueueService } from './plugin-queue-service.ts';
import type { AnyAdapter } from './stores/load-adapter.ts';
import { StoreRegistry } from './stores/store-registry.ts';

/** The part of Backstage's `Config` that is read. */
export interface ConfigReader {
  getOptional(key: string): unknown;
}

export interface QueueManagerOptions {
  /** Default: warnings and errors to the console. */
  readonly logger?: Logger;
  /** Adapters of third parties, beside those that `backend.queue.adapters` names. */
  readonly adapters?: readonly AnyAdapter[];
}

/** What tests replace. */
export interface Surroundings {
  readonly clock: Clock;
  readonly random: Random;
}

const REALITY: Surroundings = { clock: systemClock, random: Math.random };
const CLOSE_TIMEOUT_MS = 2000;

/**
 * All queues of a process: one connection per store, shared by the plugins, each of which sees only its own queues.
 */
export class QueueManager {
  readonly #config: QueueConfig;
  readonly #surroundings: Surroundings;
  readonly #logger: Logger;
  readonly #stores: StoreRegistry;
  readonly #suspectRoom = new SuspectRoom();
  readonly #plugins = new Map<string, PluginQueueService>();
  #drained: Promise<void> | undefined;
  #shutDown: Promise<void> | undefined;

  /**
   * Reads `backend.queue`. Throws QueueConfigError for keys of its own; what belongs to a store is checked when that
   * store's adapter is loaded: by {@link QueueManager.ready} or the first `getQueue`.
   */
  static fromConfig(config: ConfigReader, options: QueueManagerOptions = {}): QueueManager {
    return QueueManager.create(parseQueueConfig(config.getOptional('backend.queue'), 'backend.queue'), options);
  }

  /** @internal For programs without Backstage, and for tests. */
  static create(config: QueueConfig, options: QueueManagerOptions, surroundings: Surroundings = REALITY): QueueManager {
    return new QueueManager(config, options, surroundings);
  }

  private constructor(config: QueueConfig, options: QueueManagerOptions, surroundings: Surroundings) {
    this.#config = config;
    this.#surroundings = surroundings;
    this.#logger = options.logger ?? consoleLogger;
    const reporter = new Reporter(this.#logger, surroundings.clock);
    this.#stores = new StoreRegistry(config, options.adapters ?? [], reporter, surroundings.clock);
  }

  /** Loads the adapters in use and checks every store's section, so that mistakes show at start. */
  ready(): Promise<void> {
    return this.#stores.ready();
  }

  /** The queue service of one plugin; the same for the same id. */
  forPlugin(pluginId: string, options: { readonly logger?: Logger } = {}): QueueService {
    let service = this.#plugins.get(pluginId);
    if (service === undefined) {
      service = new PluginQueueService({
        plugin: pluginId,
        config: this.#config,
        stores: this.#stores,
        suspectRoom: this.#suspectRoom,
        reporter: new Reporter(options.logger ?? this.#logger, this.#surroundings.clock),
        ...this.#surroundings,
      });
      this.#plugins.set(pluginId, service);
      if (this.#drained !== undefined) void service.drain();
      if (this.#shutDown !== undefined) void service.close();
    }
    return service;
  }

  /** All plugins' queues. */
  health(): QueueServiceHealth {
    const services = [...this.#plugins.values()].map(service => service.health());
    return {
      healthy: services.every(service => service.healthy),
      queues: services.flatMap(service => service.queues),
    };
  }

  /** Stops picking up everywhere and waits for running handlers within `shutdownTimeout`; adding goes on (rule 24). */
  drain(): Promise<void> {
    this.#drained ??= Promise.all([...this.#plugins.values()].map(service => service.drain())).then(() => {});
    return this.#drained;
  }

  /** Drains, then closes every queue and connection. Idempotent, never rejects. */
  shutdown(): Promise<void> {
    this.#shutDown ??= this.#shutdown();
    return this.#shutDown;
  }

  async #shutdown(): Promise<void> {
    await this.drain();
    await Promise.all([...this.#plugins.values()].map(service => service.close()));
    await this.#stores.close(CLOSE_TIMEOUT_MS);
  }
}

const consoleLogger: Logger = {
  debug: () => {},
  info: () => {},
  warn: (message, meta) => console.warn(`[switchyard] ${message}`, meta ?? ''),
  error: (message, meta) => console.error(`[switchyard] ${message}`, meta ?? ''),
};
