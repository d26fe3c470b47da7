import type { BrokenEngine } from './break-engine.ts';

/** Engines that cannot be controlled. */
export const enginesOutOfControl: readonly BrokenEngine[] = [
  {
    does: 'does not pause',
    caughtBy: ['pausing/stops-and-resumes', 'pausing/before-process'],
    flaw: { queue: () => ({ pause: async () => {}, resume: async () => {} }) },
  },
  {
    does: 'forgets a pause when process is called',
    caughtBy: ['pausing/before-process'],
    flaw: {
      queue: inner => ({
        process: (handler, options) => {
          inner.process(handler, options);
          void inner.resume();
        },
      }),
    },
  },
  {
    does: 'does not wait for its handlers',
    caughtBy: ['disconnecting/waits-for-handlers'],
    flaw: {
      queue: inner => ({
        disconnect: async () => {
          void inner.disconnect();
        },
      }),
    },
  },
  {
    does: 'waits for its handlers for ever',
    caughtBy: ['disconnecting/ignored-signal', 'disconnecting/from-a-handler', 'disconnecting/hands-back'],
    flaw: { options: options => ({ ...options, shutdownTimeout: 3_600_000 }) },
  },
  {
    does: 'can be disconnected once',
    caughtBy: ['disconnecting/idempotent'],
    flaw: {
      queue: inner => {
        let disconnected = false;
        return {
          disconnect: () => {
            if (disconnected) throw new Error('already disconnected');
            disconnected = true;
            return inner.disconnect();
          },
        };
      },
    },
  },
  {
    does: 'does not close',
    caughtBy: ['disconnecting/the-service'],
    flaw: { service: () => ({ close: async () => {} }) },
  },
  {
    does: 'never removes a listener',
    caughtBy: ['events/harmless-listeners'],
    flaw: {
      queue: inner => ({
        on: (event, listener) => {
          inner.on(event, listener);
          return () => {};
        },
      }),
    },
  },
  {
    does: 'always feels well and idle',
    caughtBy: ['health/snapshot', 'concurrency/never-more'],
    flaw: { queue: inner => ({ health: () => ({ ...inner.health(), state: 'idle', active: 0 }) }) },
  },
];
