import { setTimeout as elapse } from 'node:timers/promises';
import type { Delivery, StoreQueue } from '@switchyard/queue-api';
import type { BrokenStore } from './break-store.ts';

async function deleteAll(queue: StoreQueue): Promise<void> {
  const { signal } = new AbortController();
  for (;;) {
    const deliveries = await queue.reserve({ max: 100, leaseMs: 1_000, waitMs: 0, signal });
    if (deliveries.length === 0) return;
    await queue.settle(
      deliveries.map(({ receipt }) => ({ kind: 'ack', receipt })),
      { timeoutMs: 1_000 },
    );
  }
}

/** Stores that do not know how to end. */
export const storesThatCloseBadly: readonly BrokenStore[] = [
  {
    does: 'deletes a queue when it closes it',
    caughtBy: ['closing/keeps-the-jobs', 'disconnecting/deletes-nothing'],
    flaw: {
      queue: inner => ({
        close: async options => {
          await deleteAll(inner).catch(() => {});
          await inner.close(options);
        },
      }),
    },
  },
  {
    does: 'acknowledges what is still leased when it closes',
    caughtBy: ['closing/loses-no-leased-job'],
    flaw: {
      queue: inner => {
        const leased: Delivery[] = [];
        return {
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            leased.push(...deliveries);
            return deliveries;
          },
          close: async options => {
            const settlements = leased.map(({ receipt }) => ({ kind: 'ack', receipt }) as const);
            await inner.settle(settlements, { timeoutMs: 1_000 }).catch(() => {});
            await inner.close(options);
          },
        };
      },
    },
  },
  {
    does: 'closes the connection with the first queue',
    caughtBy: ['closing/leaves-the-others'],
    flaw: {
      queue: (inner, _name, store) => ({
        close: async options => {
          await inner.close(options);
          await store.close(options);
        },
      }),
    },
  },
  {
    does: 'lets a waiting reserve wait on when it closes',
    caughtBy: ['closing/while-waiting', 'closing/the-connection-while-waiting'],
    flaw: {
      queue: inner => ({
        reserve: async request => {
          const ready = await inner.reserve({ ...request, waitMs: 0 });
          if (ready.length > 0) return ready;
          for (const end = performance.now() + request.waitMs; performance.now() < end;) {
            if (request.signal.aborted) return [];
            await elapse(5);
            const deliveries = await inner.reserve({ ...request, waitMs: 0 }).catch(() => []);
            if (deliveries.length > 0) return deliveries;
          }
          return [];
        },
      }),
    },
  },
  {
    does: 'fails when it is closed twice',
    caughtBy: ['closing/again'],
    flaw: {
      queue: inner => {
        let closed = false;
        return {
          close: options => {
            if (closed) throw new Error('already closed');
            closed = true;
            return inner.close(options);
          },
        };
      },
    },
  },
  {
    does: 'never answers once it is closed',
    caughtBy: ['closing/nothing-hangs-afterwards'],
    flaw: {
      queue: inner => ({
        settle: (settlements, options) => inner.settle(settlements, options).catch(() => new Promise<never>(() => {})),
      }),
    },
  },
  {
    does: 'takes as long to close as it likes',
    caughtBy: ['closing/while-waiting', 'disconnecting/ignored-signal', 'disconnecting/the-service'],
    flaw: {
      queue: inner => ({
        close: async options => {
          await elapse(4_000);
          await inner.close(options);
        },
      }),
    },
  },
  {
    does: 'says that nothing happened when time runs out, and stores the job all the same',
    caughtBy: ['deadlines/too-short'],
    flaw: {
      store: () => ({ classify: () => 'unavailable' }),
      queue: inner => ({
        enqueue: async (jobs, options) => {
          const outcomes = await inner.enqueue(jobs, options);
          if (options.timeoutMs < 5) throw new Error('out of time');
          return outcomes;
        },
      }),
    },
  },
  {
    does: 'forgets its deadline',
    caughtBy: ['deadlines/one-call-does-not-hurt-the-next'],
    flaw: {
      queue: inner => ({
        settle: async (settlements, options) => {
          if (options.timeoutMs < 5) await elapse(5_000);
          return inner.settle(settlements, options);
        },
      }),
    },
  },
];
