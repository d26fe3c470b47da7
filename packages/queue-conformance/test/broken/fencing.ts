import type { Delivery, Receipt, Settlement, StoreQueue } from '@switchyard/queue-api';
import { type BrokenStore, type Flaw, inEveryDelivery } from './break-store.ts';

/** Follows which receipt is the latest of its job. */
function latestReceipts() {
  const jobs = new Map<Receipt, string>();
  const latest = new Map<string, Receipt>();
  return {
    remember(deliveries: readonly Delivery[]) {
      for (const delivery of deliveries) {
        if (delivery.kind !== 'job') continue;
        jobs.set(delivery.receipt, delivery.id);
        latest.set(delivery.id, delivery.receipt);
      }
      return deliveries;
    },
    of: (receipt: Receipt) => latest.get(jobs.get(receipt) ?? '') ?? receipt,
  };
}

/** A store in which a worker that lost its lease still has a say. */
function unfenced(kind: Settlement['kind'] | 'extend'): Flaw {
  return {
    queue: inner => {
      const receipts = latestReceipts();
      const flawed: Partial<StoreQueue> = {
        reserve: async request => receipts.remember(await inner.reserve(request)),
      };
      if (kind === 'extend') {
        flawed.extend = (stale, leaseMs, options) => inner.extend(stale.map(receipts.of), leaseMs, options);
      } else {
        flawed.settle = (settlements, options) =>
          inner.settle(
            settlements.map(settlement =>
              settlement.kind === kind ? { ...settlement, receipt: receipts.of(settlement.receipt) } : settlement,
            ),
            options,
          );
      }
      return flawed;
    },
  };
}

/** A store that answers a stale settlement as it must, and carries it out all the same. */
function unfencedInSecret(kind: Settlement['kind']): Flaw {
  return {
    queue: inner => {
      const receipts = latestReceipts();
      return {
        reserve: async request => receipts.remember(await inner.reserve(request)),
        settle: async (settlements, options) => {
          const outcomes = await inner.settle(settlements, options);
          const stale = settlements.filter((settlement, index) => settlement.kind === kind && !outcomes[index]?.ok);
          await inner.settle(
            stale.map(settlement => ({ ...settlement, receipt: receipts.of(settlement.receipt) })),
            options,
          );
          return outcomes;
        },
      };
    },
  };
}

/** Stores that do not know who holds a lease. */
export const unfencedStores: readonly BrokenStore[] = [
  ...(['ack', 'retry', 'release', 'dead'] as const).map(kind => ({
    does: `lets a worker that lost its lease ${kind} the job`,
    caughtBy: [`fencing/stale-${kind}`],
    flaw: unfenced(kind),
  })),
  ...(['ack', 'retry', 'release', 'dead'] as const).map(kind => ({
    does: `says lease-lost to a stale ${kind} and carries it out`,
    caughtBy: [`fencing/stale-${kind}`],
    flaw: unfencedInSecret(kind),
  })),
  {
    does: 'lets a worker that lost its lease acknowledge what another one holds',
    caughtBy: ['fencing/receipt-of-an-earlier-hand-out'],
    flaw: unfenced('ack'),
  },
  {
    does: 'lets a worker that lost its lease extend that of another one',
    caughtBy: ['leases/extend-too-late'],
    flaw: unfenced('extend'),
  },
  {
    does: 'uses one receipt for all hand-outs of a job',
    caughtBy: ['fencing/stale-ack', 'fencing/receipt-of-an-earlier-hand-out'],
    flaw: {
      queue: inner => {
        const latest = new Map<Receipt, Receipt>();
        const real = (receipt: Receipt) => latest.get(receipt) ?? receipt;
        return {
          reserve: async request => {
            const deliveries = await inner.reserve(request);
            return deliveries.map(delivery => {
              if (delivery.kind !== 'job') return delivery;
              latest.set(delivery.id, delivery.receipt);
              return { ...delivery, receipt: delivery.id };
            });
          },
          settle: (settlements, options) =>
            inner.settle(
              settlements.map(settlement => ({ ...settlement, receipt: real(settlement.receipt) })),
              options,
            ),
          extend: (receipts, leaseMs, options) => inner.extend(receipts.map(real), leaseMs, options),
        };
      },
    },
  },
  {
    does: 'answers a stale settlement as the one of the same job beside it',
    caughtBy: ['fencing/beside-the-next-hand-out'],
    flaw: {
      queue: inner => {
        const receipts = latestReceipts();
        return {
          reserve: async request => receipts.remember(await inner.reserve(request)),
          settle: async (settlements, options) => {
            const outcomes = await inner.settle(settlements, options);
            const taken = new Set(settlements.filter((_, index) => outcomes[index]?.ok).map(({ receipt }) => receipt));
            return outcomes.map((outcome, index) =>
              taken.has(receipts.of(settlements[index]?.receipt)) ? ({ ok: true } as const) : outcome,
            );
          },
        };
      },
    },
  },
  {
    does: 'answers ok to whatever comes after the first settlement',
    caughtBy: ['fencing/receipt-ends-with-its-settlement'],
    flaw: {
      queue: inner => ({
        settle: async (settlements, options) =>
          (await inner.settle(settlements, options)).map(() => ({ ok: true }) as const),
      }),
    },
  },
  {
    does: 'fails when an ack is repeated',
    caughtBy: ['fencing/acknowledged-twice'],
    flaw: {
      queue: inner => ({
        settle: async (settlements, options) => {
          const outcomes = await inner.settle(settlements, options);
          if (outcomes.some(outcome => !outcome.ok)) throw new Error('no such row');
          return outcomes;
        },
      }),
    },
  },
  {
    does: 'answers for a whole batch of settlements or extensions what is true of one of them',
    caughtBy: ['settling/per-entry', 'leases/extend-per-receipt'],
    flaw: {
      queue: inner => ({
        settle: async (settlements, options) => {
          const outcomes = await inner.settle(settlements, options);
          const refused = outcomes.find(outcome => !outcome.ok);
          return refused ? outcomes.map(() => refused) : outcomes;
        },
        extend: async (receipts, leaseMs, options) => {
          const outcomes = await inner.extend(receipts, leaseMs, options);
          const refused = outcomes.find(outcome => !outcome.ok);
          return refused ? outcomes.map(() => refused) : outcomes;
        },
      }),
    },
  },
  {
    does: 'hands a leased job to whoever asks next',
    caughtBy: ['leases/hold', 'delays/run-once'],
    flaw: {
      queue: inner => {
        const leased: Delivery[] = [];
        return {
          reserve: async request => {
            const again = leased.shift();
            if (again) return [again];
            const deliveries = await inner.reserve(request);
            leased.push(...deliveries);
            return deliveries;
          },
        };
      },
    },
  },
  {
    does: 'counts every attempt as the first',
    caughtBy: ['retries/count', 'retries/after-their-delay', 'capabilities/counts-crashes', 'failing/backoff'],
    flaw: inEveryDelivery(
      () => undefined,
      delivery => ({ ...delivery, attempt: 1 }),
    ),
  },
];
