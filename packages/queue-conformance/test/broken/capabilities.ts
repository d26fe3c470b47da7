import type { QueueStore } from '@switchyard/queue-api';
import { type BrokenStore, type Flaw, inEveryDelivery } from './break-store.ts';

/** One store that outlives its connections and is seen by all of them. */
function immortal(): Flaw {
  let kept: Promise<QueueStore> | undefined;
  return {
    adapter: inner => ({
      connect: async (config, context) => {
        kept ??= inner.connect(config, context);
        const store = await kept;
        return {
          capabilities: store.capabilities,
          open: name => store.open(name),
          classify: error => store.classify(error),
          close: async () => {},
        };
      },
    }),
  };
}

/** Stores that are not what they declare. */
export const lyingStores: readonly BrokenStore[] = [
  {
    does: 'declares batches of no size',
    caughtBy: ['capabilities/well-formed'],
    flaw: { capabilities: { maxBatch: { enqueue: 0, reserve: 10, settle: 10 } } },
  },
  {
    does: 'declares larger batches than it takes',
    caughtBy: ['capabilities/full-batches'],
    flaw: {
      capabilities: { maxBatch: { enqueue: 500, reserve: 10, settle: 10 } },
      queue: inner => ({
        enqueue: async (jobs, options) => {
          if (jobs.length > 100) throw new RangeError('too many parameters');
          return inner.enqueue(jobs, options);
        },
      }),
    },
  },
  {
    does: 'hands a delay to a timer of 31 bits',
    caughtBy: ['capabilities/longest-delay'],
    flaw: {
      queue: inner => ({
        enqueue: (jobs, options) =>
          inner.enqueue(
            jobs.map(job => ({ ...job, delayMs: job.delayMs >= 2 ** 31 ? 0 : job.delayMs })),
            options,
          ),
      }),
    },
  },
  {
    does: 'puts retries off by a quarter of an hour at most',
    caughtBy: ['capabilities/longest-retry-delay'],
    flaw: {
      queue: inner => ({
        settle: (settlements, options) =>
          inner.settle(
            settlements.map(settlement =>
              settlement.kind === 'retry' && settlement.delayMs > 900_000 ? { ...settlement, delayMs: 0 } : settlement,
            ),
            options,
          ),
      }),
    },
  },
  {
    does: 'is said to be durable and is not',
    caughtBy: ['capabilities/durable'],
    flaw: { capabilities: { durable: true } },
  },
  {
    does: 'is durable and shared, and says it is neither',
    caughtBy: ['capabilities/not-durable', 'capabilities/not-shared'],
    flaw: immortal(),
  },
  {
    does: 'is said to be shared and is not',
    caughtBy: [
      'capabilities/shared',
      'counts/seen-by-all',
      'pausing/leaves-jobs-to-others',
      'sharing/two-instances',
      'sharing/one-adds-one-runs',
    ],
    flaw: { capabilities: { shared: true } },
  },
  {
    does: 'is said to count crashes, and counts retries only',
    caughtBy: ['capabilities/counts-crashes'],
    flaw: {
      queue: inner => {
        const retries = new Map<unknown, string>();
        const attempts = new Map<string, number>();
        return {
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            return deliveries.map(delivery => {
              if (delivery.kind !== 'job') return delivery;
              retries.set(delivery.receipt, delivery.id);
              return { ...delivery, attempt: attempts.get(delivery.id) ?? 1 };
            });
          },
          settle: (settlements, options) => {
            for (const { kind, receipt } of settlements) {
              const id = retries.get(receipt);
              if (kind === 'retry' && id !== undefined) attempts.set(id, (attempts.get(id) ?? 1) + 1);
            }
            return inner.settle(settlements, options);
          },
        };
      },
    },
  },
  {
    does: 'counts crashes and says it does not',
    caughtBy: ['capabilities/does-not-count-crashes'],
    flaw: { capabilities: { countsCrashes: false } },
  },
  {
    does: 'keeps notes and says it does not',
    caughtBy: ['notes/absent'],
    flaw: { capabilities: { keepsNote: false } },
  },
  {
    does: 'knows its ids and says it does not',
    caughtBy: ['same-id/unknown'],
    flaw: { capabilities: { knowsIds: false } },
  },
  {
    does: 'has free releases and says it has not',
    caughtBy: ['releases/are-counted'],
    flaw: { capabilities: { freeRelease: false } },
  },
  {
    does: 'has priorities and says it has none',
    caughtBy: ['ordering/no-priority'],
    flaw: { capabilities: { priority: 'none' } },
  },
  {
    does: 'says that it has lanes, and forgets who is in which',
    caughtBy: ['ordering/priority-lanes'],
    flaw: {
      capabilities: { priority: 'lanes' },
      queue: inner => ({
        enqueue: (jobs, options) =>
          inner.enqueue(
            jobs.map(job => ({ ...job, priority: 20 })),
            options,
          ),
      }),
    },
  },
  {
    does: 'reports trouble under a code that nobody can group by',
    caughtBy: ['counts/every-state'],
    flaw: {
      adapter: inner => ({
        connect: (config, context) => {
          context.report({ level: 'warning', code: `Lost connection at ${Date.now()}`, message: 'connection lost' });
          return inner.connect(config, context);
        },
      }),
    },
  },
  {
    does: 'forgets when a job was added',
    caughtBy: ['adding/arrives-as-sent'],
    flaw: inEveryDelivery(
      () => undefined,
      delivery => ({ ...delivery, enqueuedAt: 0 }),
    ),
  },
];
