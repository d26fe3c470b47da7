/**
 * Where a queue stands in this process. `idle`: no handler; `running`: picking jobs up; `paused`; `stopping`:
 * `disconnect` is under way.
 */
export type QueueState = 'idle' | 'running' | 'paused' | 'stopping';

/** An error that health remembers, and when it happened. */
export interface HealthError {
  readonly at: Date;
  readonly code: string;
  readonly message: string;
}

/** A snapshot of one queue in this process. */
export interface QueueHealth {
  readonly name: string;
  readonly store: string;
  readonly state: QueueState;
  /**
   * `false` while the store does not answer: the latest call of any kind to it failed or took too long. Turns `true`
   * again by itself.
   */
  readonly healthy: boolean;
  /** `false` on an instance that is configured not to process this queue (`backend.queue.process`). */
  readonly processes: boolean;
  /** Handlers running now, those included that outlived their timeout or their lease. */
  readonly active: number;
  /** What the store shows of its part in this process, by names of its own; see the store's page. */
  readonly figures?: Readonly<Record<string, number>>;
  /** When the store last answered a request for jobs, with or without one. Absent before the first. */
  readonly lastSuccessfulPoll?: Date;
  /** The last error that was not a job's own; it stays after healing. */
  readonly lastError?: HealthError;
}

/** A snapshot of all queues of a service in this process. */
export interface QueueServiceHealth {
  /** `true` when every queue is. */
  readonly healthy: boolean;
  readonly queues: readonly QueueHealth[];
}
