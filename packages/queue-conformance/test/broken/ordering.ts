import type { NewJob } from '@switchyard/queue-api';
import type { BrokenStore, Flaw } from './break-store.ts';

/** Orders by another number than the priority; deliveries carry the true one. */
function orderedBy(rank: (job: NewJob, sequence: number) => number): Flaw {
  return {
    queue: inner => {
      const priorities = new Map<string, number>();
      let sequence = 0;
      return {
        enqueue: (jobs, options) => {
          for (const { id, priority } of jobs) priorities.set(id, priority);
          return inner.enqueue(
            jobs.map(job => ({ ...job, priority: rank(job, sequence++) })),
            options,
          );
        },
        reserve: async request => {
          const deliveries = await inner.reserve(request);
          return deliveries.map(delivery => {
            const priority = delivery.kind === 'job' ? priorities.get(delivery.id) : undefined;
            return priority === undefined ? delivery : { ...delivery, priority };
          });
        },
      };
    },
  };
}

/** Stores with another idea of who is next. */
export const storesOutOfOrder: readonly BrokenStore[] = [
  {
    does: 'ignores priorities',
    caughtBy: ['ordering/priority', 'ordering/priority-beats-time', 'ordering/model', 'concurrency/by-priority'],
    flaw: orderedBy(() => 20),
  },
  {
    does: 'runs the last in first',
    caughtBy: ['ordering/fifo', 'concurrency/fifo-with-one-worker'],
    flaw: orderedBy(({ priority }, sequence) => priority * 1_000 - sequence),
  },
  {
    does: 'orders by when a job was added, not by when it became ready',
    caughtBy: ['ordering/delayed-from-when-due', 'ordering/retried-from-when-due', 'ordering/model'],
    flaw: orderedBy(({ priority }, sequence) => priority * 1_000 + sequence),
  },
];
