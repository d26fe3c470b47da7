import type { QueueAdapter, QueueName, StoreQueue } from '@switchyard/queue-api';
import type { Skip } from './skips.ts';

/** What the kit needs to know about a store. Everything else it reads from the capabilities of the connected store. */
export interface ConformanceHarness {
  readonly adapter: QueueAdapter;
  /**
   * The store's section as an operator writes it under `backend.queue.<store>`, or a function that returns it, called
   * for every connection. The adapter's own schema turns it into the adapter's configuration. Default: none.
   */
  readonly config?: unknown;
  /**
   * Names a queue that no case and no earlier run has used: at most 40 characters of `[A-Za-z0-9._-]`, so that cases
   * can append to it. Default: `kit-` and a random UUID.
   */
  readonly uniqueName?: () => string;
  /**
   * Called with every queue that a store-level case has opened, outside of every deadline: the place to wait for a
   * topic, a group to join or an index to build.
   */
  readonly warmUp?: (queue: StoreQueue) => Promise<void>;
  /**
   * Puts raw bytes into a queue past the adapter, as a foreign producer or an old version would. Without it the cases
   * on unreadable messages do not apply.
   */
  readonly injectForeign?: (queue: QueueName, bytes: Uint8Array) => Promise<void>;
  /**
   * Multiplies every wait and every deadline of the kit, on top of the resolutions that the store declares. More than
   * 1 for a slow machine or a far-away server; default 1.
   */
  readonly timeScale?: number;
  /** Multiplies the number of jobs in the load cases (2,000 at 1). Default 1. */
  readonly scale?: number;
  /**
   * Runs several cases at the same time, as many as vitest's `maxConcurrency` says, or three in each of three areas with
   * Node.js' runner: for stores that make cases wait, such as those that count whole seconds. Default false.
   */
  readonly concurrent?: boolean;
  /** Cases that this store is known to fail, each with the reason that its documentation gives. */
  readonly skips?: readonly Skip[];
}

/** The section of the configuration for one more connection. */
export function configSection(harness: ConformanceHarness): unknown {
  return typeof harness.config === 'function' ? harness.config() : harness.config;
}
