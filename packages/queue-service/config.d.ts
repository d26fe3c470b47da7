import type { HumanDuration } from '@backstage/types';

/** Durations: milliseconds, a Backstage duration object, or a string such as `30s`, `15 minutes` or `PT30S`. */
export interface Config {
  backend?: {
    /** Background jobs. Each store adds its own section, described by the package of that store. */
    queue?: {
      /** The store used by queues that name none, e.g. `redis`. Default: `memory`. */
      defaultStore?: string;
      /** Handlers that run at the same time for one queue in one process, where `process` says nothing. Default: 1. */
      defaultConcurrency?: number;
      /** Runs in all before a job is dead: with 3 it is tried three times. Default: 5. */
      maxAttempts?: number;
      /** How long a worker that has gone silent keeps its jobs from the others. Default: 30 seconds. */
      leaseDuration?: number | string | HumanDuration;
      /** How long adding a job may wait for the store before it fails. Default: 10 seconds. */
      addTimeout?: number | string | HumanDuration;
      /**
       * How long running handlers may take to finish at shutdown. Keep it below the time your platform waits between
       * SIGTERM and SIGKILL. Default: 15 seconds.
       */
      shutdownTimeout?: number | string | HumanDuration;
      /**
       * Whether this instance processes jobs: `false`, or a choice of queues, on instances that only add them. Queues are
       * named as in the plugin's code, or with the plugin, `catalog/refresh`, where plugins share a name. Default: true.
       */
      process?:
        | boolean
        | {
            /** The only queues that are processed here. */
            include: string[];
          }
        | {
            /** The queues that are not processed here. */
            exclude: string[];
          };
      /** What happens to a job option that the store cannot honour, e.g. a priority on Kafka. Default: `warn`. */
      unsupportedOptions?: 'warn' | 'error';
      /** npm packages with further stores, installed in the backend, e.g. `@acme/queue-nats`. Default: none. */
      adapters?: string[];
      /** How much the stores keep of jobs that used up their attempts. */
      deadLetters?: {
        /** Default: 30 days. */
        maxAge?: number | string | HumanDuration;
        /** Per queue; the oldest go first. Default: 10,000. */
        maxCount?: number;
      };
    };
  };
}
