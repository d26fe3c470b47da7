import { setTimeout as elapse } from 'node:timers/promises';
import type { Delivery, ReserveRequest } from '@switchyard/queue-api';
import type { BrokenStore } from './break-store.ts';

const NEVER = new AbortController().signal;

/** Sits the whole wait out, unless aborted, and looks for jobs afterwards. */
async function sitOut({ waitMs, signal }: ReserveRequest): Promise<void> {
  if (waitMs > 0) await elapse(waitMs, undefined, { signal }).catch(() => {});
}

/** Stores that wait too long, too short or for ever. */
export const storesThatWaitBadly: readonly BrokenStore[] = [
  {
    does: 'waits for a second even if it must not',
    caughtBy: ['waiting/not-at-all'],
    flaw: { queue: inner => ({ reserve: request => inner.reserve({ ...request, waitMs: request.waitMs + 1_000 }) }) },
  },
  {
    does: 'never waits',
    caughtBy: ['waiting/until-its-end'],
    flaw: { queue: inner => ({ reserve: request => inner.reserve({ ...request, waitMs: 0 }) }) },
  },
  {
    does: 'waits on after the time is over',
    caughtBy: ['waiting/until-its-end'],
    flaw: { queue: inner => ({ reserve: request => inner.reserve({ ...request, waitMs: request.waitMs * 10 }) }) },
  },
  {
    does: 'misses every wake-up and looks when the wait is over',
    caughtBy: [
      'waiting/wakes-for-a-new-job',
      'waiting/wakes-for-a-due-job',
      'waiting/wakes-for-a-returned-job',
      'waiting/wakes-for-an-ended-lease',
      'waiting/one-job-each',
      'processing/idle-then-at-once',
    ],
    flaw: {
      queue: inner => ({
        reserve: async request => {
          const ready = await inner.reserve({ ...request, waitMs: 0 });
          if (ready.length > 0) return ready;
          await sitOut(request);
          return inner.reserve({ ...request, waitMs: 0 });
        },
      }),
    },
  },
  {
    does: 'waits until its batch is full',
    caughtBy: ['waiting/wakes-for-a-new-job'],
    flaw: {
      queue: inner => ({
        reserve: async request => {
          const end = performance.now() + request.waitMs;
          const all = [...(await inner.reserve(request))];
          while (all.length > 0 && all.length < request.max && performance.now() < end && !request.signal.aborted) {
            const waitMs = Math.ceil(Math.max(0, end - performance.now()));
            all.push(...(await inner.reserve({ ...request, max: request.max - all.length, waitMs })));
          }
          return all;
        },
      }),
    },
  },
  {
    does: 'does not hear the signal of a reserve',
    caughtBy: ['waiting/abort'],
    flaw: { queue: inner => ({ reserve: request => inner.reserve({ ...request, signal: NEVER }) }) },
  },
  {
    does: 'loses what an aborted reserve brings later',
    caughtBy: ['waiting/abort-strands-nothing'],
    flaw: {
      queue: inner => ({
        reserve: async request => {
          const answer = inner.reserve({ ...request, signal: NEVER });
          const aborted = new Promise<[]>(resolve => {
            if (request.signal.aborted) resolve([]);
            request.signal.addEventListener('abort', () => resolve([]));
          });
          return Promise.race([answer, aborted]);
        },
      }),
    },
  },
  {
    does: 'throws when its reserve is aborted',
    caughtBy: ['waiting/abort'],
    flaw: {
      queue: inner => ({
        reserve: async request => {
          const deliveries = await inner.reserve(request);
          request.signal.throwIfAborted();
          return deliveries;
        },
      }),
    },
  },
  {
    does: 'gives back what is leased when it is told to stand by',
    caughtBy: ['standby/gives-back-what-is-buffered'],
    base: 'modest',
    flaw: {
      queue: inner => {
        const leased: Delivery[] = [];
        return {
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            leased.push(...deliveries);
            return deliveries;
          },
          standby: async () => {
            const releases = leased.splice(0).map(({ receipt }) => ({ kind: 'release', receipt }) as const);
            await inner.settle(releases, { timeoutMs: 1_000 });
          },
        };
      },
    },
  },
  {
    does: 'drops every seventh delivery',
    caughtBy: ['contention/none-twice-none-lost', 'processing/not-before-process'],
    flaw: {
      queue: inner => {
        let count = 0;
        return {
          reserve: async request => (await inner.reserve(request)).filter(() => ++count % 7 !== 0),
        };
      },
    },
  },
];
