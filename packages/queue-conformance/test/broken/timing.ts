import { setTimeout as elapse } from 'node:timers/promises';
import type { Delivery, Settlement, StoreQueue } from '@switchyard/queue-api';
import { type BrokenStore, type Flaw, inDeliveries } from './break-store.ts';

/** A flaw in what becomes of each settlement. */
function inSettlements(change: (settlement: Settlement) => Settlement): Flaw {
  return {
    queue: inner => ({ settle: (settlements, options) => inner.settle(settlements.map(change), options) }),
  };
}

/** A `reserve` that hands out nothing while `blocked` says so. */
function unless(blocked: (queue: StoreQueue) => Promise<boolean>): Flaw {
  return {
    queue: inner => ({
      reserve: async request => {
        if (!(await blocked(inner))) return inner.reserve(request);
        await elapse(request.waitMs, undefined, { signal: request.signal }).catch(() => {});
        return [];
      },
    }),
  };
}

/** Stores that are early, late, or blocked. */
export const storesOutOfTime: readonly BrokenStore[] = [
  {
    does: 'hands delayed jobs out early',
    caughtBy: ['delays/never-early', 'same-id/delayed', 'processing/delayed'],
    flaw: {
      queue: inner => ({
        enqueue: (jobs, options) =>
          inner.enqueue(
            jobs.map(job => ({ ...job, delayMs: job.delayMs * 0.1 })),
            options,
          ),
      }),
    },
  },
  {
    does: 'ends leases early',
    caughtBy: ['leases/expiry-redelivers'],
    flaw: {
      queue: inner => ({ reserve: request => inner.reserve({ ...request, leaseMs: request.leaseMs * 0.1 }) }),
    },
  },
  {
    does: 'never ends a lease',
    caughtBy: [
      'leases/expiry-redelivers',
      'closing/loses-no-leased-job',
      'waiting/wakes-for-an-ended-lease',
      'counts/expired-is-waiting',
    ],
    flaw: { queue: inner => ({ reserve: request => inner.reserve({ ...request, leaseMs: 1e9 }) }) },
  },
  {
    does: 'answers ok to extend and does nothing',
    caughtBy: ['leases/extend-keeps', 'leases/extend-is-from-now', 'long-jobs/run-once'],
    flaw: { queue: () => ({ extend: async receipts => receipts.map(() => ({ ok: true })) }) },
  },
  {
    does: 'adds the extension to what is left of the lease',
    caughtBy: ['leases/extend-is-from-now'],
    flaw: {
      queue: inner => ({ extend: (receipts, leaseMs, options) => inner.extend(receipts, leaseMs + 30_000, options) }),
    },
  },
  {
    does: 'makes everybody wait for a delayed job or a retry',
    caughtBy: ['delays/do-not-block', 'retries/do-not-block', 'failing/holds-nobody-up'],
    flaw: unless(async queue => (await queue.counts()).delayed > 0),
  },
  {
    does: 'makes everybody wait for a leased job',
    caughtBy: ['leases/job-scope', 'concurrency/refills-at-once'],
    flaw: unless(async queue => (await queue.counts()).active > 0),
  },
  {
    does: 'brings retries back early',
    caughtBy: ['retries/after-their-delay', 'same-id/retrying', 'failing/backoff'],
    flaw: inSettlements(settlement =>
      settlement.kind === 'retry' ? { ...settlement, delayMs: settlement.delayMs * 0.1 } : settlement,
    ),
  },
  {
    does: 'loses retries',
    caughtBy: [
      'retries/after-their-delay',
      'retries/count',
      'waiting/wakes-for-a-returned-job',
      'failing/backoff',
      'failing/max-attempts',
      'payloads/own-copy',
      'events/tell-the-story',
      'counting/through-a-life',
      'timeouts/ignored-signal',
    ],
    flaw: inSettlements(({ kind, receipt, ...rest }) =>
      kind === 'retry' ? { kind: 'ack', receipt } : ({ kind, receipt, ...rest } as Settlement),
    ),
  },
  {
    does: 'brings acknowledged jobs back',
    caughtBy: ['adding/acknowledged-is-gone', 'processing/runs-and-completes', 'dlq/resolves'],
    flaw: inSettlements(settlement =>
      settlement.kind === 'ack' ? { kind: 'release', receipt: settlement.receipt, delayMs: 5 } : settlement,
    ),
  },
  {
    does: 'brings dead jobs back',
    caughtBy: ['dead-letters/stay-dead', 'dlq/throws', 'dlq/missing'],
    flaw: inSettlements(settlement =>
      settlement.kind === 'dead' ? { ...settlement, kind: 'retry', delayMs: 50 } : settlement,
    ),
  },
  {
    does: 'burns an attempt on a release',
    caughtBy: [
      'releases/are-free',
      'disconnecting/hands-back',
      'disconnecting/prefetched-jobs',
      'pausing/uses-no-attempt',
    ],
    flaw: inSettlements(settlement =>
      settlement.kind === 'release' ? { delayMs: 0, note: '', ...settlement, kind: 'retry' } : settlement,
    ),
  },
  {
    does: 'keeps a released job for a minute',
    caughtBy: ['releases/at-once', 'waiting/wakes-for-a-returned-job'],
    flaw: inSettlements(settlement =>
      settlement.kind === 'release' ? { ...settlement, delayMs: 60_000 } : settlement,
    ),
  },
  {
    does: 'ignores the delay of a release',
    caughtBy: ['releases/after-their-delay'],
    flaw: inSettlements(settlement => (settlement.kind === 'release' ? { ...settlement, delayMs: 0 } : settlement)),
  },
  {
    does: 'hands a job out again while it is leased, now and then',
    caughtBy: ['contention/none-twice-none-lost', 'contention/adding-meanwhile'],
    flaw: {
      queue: inner => {
        let last: Delivery | undefined;
        return {
          reserve: async request => {
            const again = request.max > 1 ? last : undefined;
            const deliveries = await inner.reserve(again ? { ...request, max: request.max - 1 } : request);
            last = last === undefined || Math.random() < 0.1 ? deliveries[0] : undefined;
            return again && deliveries.length > 0 ? [...deliveries, again] : deliveries;
          },
        };
      },
    },
  },
  {
    does: 'hands more out than it was asked for',
    caughtBy: ['leases/hold'],
    flaw: { queue: inner => ({ reserve: request => inner.reserve({ ...request, max: request.max + 1 }) }) },
  },
  {
    does: 'hands everything out from the back',
    caughtBy: ['ordering/best-first-in-a-batch'],
    flaw: inDeliveries(deliveries => deliveries.toReversed()),
  },
];
