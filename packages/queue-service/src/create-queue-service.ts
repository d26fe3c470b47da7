import type { QueueOptions, QueueService } from '@switchyard/queue-api';
import type { DurationInput } from './config/lenient.ts';
import { parseQueueConfig } from './config/queue-config.ts';
import type { Logger } from './engine/reporter.ts';
import { QueueManager, type Surroundings } from './queue-manager.ts';
import type { AnyAdapter } from './stores/load-adapter.ts';

/** The keys of `backend.queue`, for programs without Backstage. All optional. Durations: ms, `'30s'`, `{ seconds: 30 }`. */
export interface QueueServiceOptions {
  /** Store used when `getQueue` names none; default `memory`. */
  defaultStore?: string;
  /** Used when `process` names none; default 1. */
  defaultConcurrency?: number;
  /** Runs in all before a job is dead; default 5. */
  maxAttempts?: number;
  /** How long a silent worker keeps a job; default 30 s. */
  leaseDuration?: DurationInput;
  /** How long `add` may wait for the store; default 10 s. */
  addTimeout?: DurationInput;
  /** How long running handlers may finish at shutdown; default 15 s. */
  shutdownTimeout?: DurationInput;
  /** `false`, or only some queues: on instances that only add, `process()` registers and nothing is picked up. */
  process?: boolean | { include: string[] } | { exclude: string[] };
  /** What happens to options that a store cannot honour; default `warn`. */
  unsupportedOptions?: 'warn' | 'error';
  /** Adapters of third parties, or the npm names of installed packages that export one. */
  adapters?: readonly (AnyAdapter | string)[];
  /** Caps on dead letters; default 30 days and 10,000. */
  deadLetters?: { maxAge?: DurationInput; maxCount?: number };
  /** Default: warnings and errors to the console. */
  logger?: Logger;
  /** The settings of a store, under its name: `redis: { connection }`. */
  [store: string]: unknown;
}

/** A queue service that its maker also ends. */
export interface ClosableQueueService extends QueueService {
  /**
   * Stops picking up, lets running handlers finish within `shutdownTimeout`, hands back what is left and closes every
   * connection. Idempotent, never rejects; call it on SIGTERM.
   */
  close(): Promise<void>;
}

/** Background jobs for any Node.js program. Throws QueueConfigError for options that cannot work. */
export function createQueueService(options: QueueServiceOptions = {}): ClosableQueueService {
  return createQueueServiceIn(undefined, options);
}

/** @internal The same with a clock and chance of the caller's. */
export function createQueueServiceIn(
  surroundings: Surroundings | undefined,
  { logger, adapters = [], ...config }: QueueServiceOptions,
): ClosableQueueService {
  const names = adapters.filter(adapter => typeof adapter === 'string');
  const manager = QueueManager.create(
    parseQueueConfig({ ...config, adapters: names }, ''),
    {
      adapters: adapters.filter(adapter => typeof adapter !== 'string'),
      ...(logger !== undefined && { logger }),
    },
    surroundings,
  );
  const service = manager.forPlugin('');
  return {
    getQueue: (name: string, options?: QueueOptions) => service.getQueue(name, options),
    health: () => service.health(),
    close: () => manager.shutdown(),
  };
}
