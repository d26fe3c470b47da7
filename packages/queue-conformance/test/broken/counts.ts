import type { JobCounts, Receipt } from '@switchyard/queue-api';
import type { BrokenStore, Flaw } from './break-store.ts';

function counting(change: (counts: JobCounts) => JobCounts): Flaw {
  return { queue: inner => ({ counts: async () => change(await inner.counts()) }) };
}

/** Stores that cannot count. */
export const storesThatMiscount: readonly BrokenStore[] = [
  {
    does: 'does not count delayed jobs',
    caughtBy: [
      'counts/every-state',
      'capabilities/longest-delay',
      'capabilities/longest-retry-delay',
      'counting/through-a-life',
    ],
    flaw: counting(counts => ({ ...counts, delayed: 0 })),
  },
  {
    does: 'does not count running jobs',
    caughtBy: ['counts/every-state', 'counting/through-a-life'],
    flaw: counting(counts => ({ ...counts, active: 0 })),
  },
  {
    does: 'counts dead jobs among the waiting ones',
    caughtBy: ['dead-letters/stay-dead', 'dead-letters/are-counted-apart', 'counts/every-state', 'dlq/missing'],
    flaw: counting(({ dead = 0, waiting, ...counts }) => ({ ...counts, dead, waiting: waiting + dead })),
  },
  {
    does: 'never counts a dead letter',
    caughtBy: ['dead-letters/are-counted-apart'],
    flaw: counting(counts => ({ ...counts, dead: 0 })),
  },
  {
    does: 'counts a due job as delayed until somebody asks for it',
    caughtBy: ['counts/due-is-waiting'],
    flaw: {
      queue: inner => {
        const unseen = new Set<string>();
        return {
          enqueue: (jobs, options) => {
            for (const { id, delayMs } of jobs) if (delayMs > 0) unseen.add(id);
            return inner.enqueue(jobs, options);
          },
          counts: async () => {
            const counts = await inner.counts();
            return { ...counts, waiting: counts.waiting + counts.delayed - unseen.size, delayed: unseen.size };
          },
        };
      },
    },
  },
  {
    does: 'counts a job as active although its lease has ended',
    caughtBy: ['counts/expired-is-waiting'],
    flaw: {
      queue: inner => {
        const held = new Set<Receipt>();
        return {
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            for (const { receipt } of deliveries) held.add(receipt);
            return deliveries;
          },
          settle: (settlements, options) => {
            for (const { receipt } of settlements) held.delete(receipt);
            return inner.settle(settlements, options);
          },
          counts: async () => {
            const counts = await inner.counts();
            return { ...counts, active: held.size, waiting: counts.waiting + counts.active - held.size };
          },
        };
      },
    },
  },
  {
    does: 'says 0 when it cannot tell',
    caughtBy: ['counts/never-zero-for-an-error'],
    flaw: {
      queue: inner => ({
        counts: () => inner.counts().catch(() => ({ waiting: 0, delayed: 0, active: 0 })),
      }),
    },
  },
];
