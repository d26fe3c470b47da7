import { randomUUID } from 'node:crypto';
import type { ProcessHandler } from '@switchyard/queue-api';
import type { BrokenEngine } from './break-engine.ts';
import { without } from './without.ts';

/** Engines that process badly. */
export const enginesThatProcessBadly: readonly BrokenEngine[] = [
  {
    does: 'starts to process when a job is added',
    caughtBy: ['processing/not-before-process'],
    flaw: {
      queue: inner => ({
        addBulk: async jobs => {
          const ids = await inner.addBulk(jobs);
          inner.process(() => {});
          return ids;
        },
      }),
    },
  },
  {
    does: 'ignores a second process, and options that make no sense',
    caughtBy: ['processing/one-handler', 'processing/options-out-of-range'],
    flaw: {
      queue: inner => ({
        process: (handler, options) => {
          try {
            inner.process(handler, options);
          } catch {
            // That is the flaw.
          }
        },
      }),
    },
  },
  {
    does: 'runs jobs in a loop that never lets go',
    caughtBy: ['processing/leaves-room-for-others'],
    flaw: {
      queue: () => {
        let run: ProcessHandler = () => {};
        return {
          process: handler => {
            run = handler;
          },
          add: async payload => {
            const id = randomUUID();
            const context = { signal: new AbortController().signal, queue: '', enqueuedAt: new Date() };
            queueMicrotask(() => void run({ id, payload, attempt: 1 }, context));
            return id;
          },
        };
      },
    },
  },
  {
    does: 'runs one handler more than it may',
    caughtBy: ['concurrency/never-more', 'concurrency/one-by-default', 'timeouts/ignored-signal'],
    flaw: {
      queue: inner => ({
        process: (handler, options = {}) =>
          inner.process(handler, { ...options, concurrency: (options.concurrency ?? 1) + 1 }),
      }),
    },
  },
  {
    does: 'forgets the timeout',
    caughtBy: ['timeouts/abort-and-fail'],
    flaw: {
      queue: inner => ({
        process: (handler, options = {}) => inner.process(handler, without(options, 'timeout')),
      }),
    },
  },
  {
    does: "forgets a job's maxAttempts",
    caughtBy: ['failing/max-attempts'],
    flaw: {
      queue: inner => ({ add: (payload, options = {}) => inner.add(payload, without(options, 'maxAttempts')) }),
    },
  },
  {
    does: 'passes on what was thrown as it is',
    caughtBy: ['failing/anything-thrown'],
    flaw: {
      getQueue: (name, { dlqHandler, ...options }) => [
        name,
        dlqHandler ? { ...options, dlqHandler: (job, error) => dlqHandler(job, error.message as never) } : options,
      ],
    },
  },
  {
    does: 'never calls the dlqHandler',
    caughtBy: ['dlq/resolves', 'dlq/throws', 'schema/outdated-payloads'],
    flaw: { getQueue: (name, options) => [name, without(options, 'dlqHandler')] },
  },
];
