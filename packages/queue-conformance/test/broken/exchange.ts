import { setTimeout as elapse } from 'node:timers/promises';
import type { StoreQueue } from '@switchyard/queue-api';
import type { BrokenStore, Flaw } from './break-store.ts';

type Exchange = NonNullable<StoreQueue['exchange']>;

function exchanging(flawed: (exchange: Exchange) => Exchange): Flaw {
  return {
    queue: inner => {
      const exchange = inner.exchange?.bind(inner);
      return exchange ? { exchange: flawed(exchange) } : {};
    },
  };
}

/** Stores whose `exchange` does something else than settling and leasing. */
export const storesThatExchangeBadly: readonly BrokenStore[] = [
  {
    does: 'answers ok in exchange and settles nothing',
    caughtBy: ['exchange/settles-and-leases'],
    flaw: exchanging(exchange => async (settlements, request) => {
      const { deliveries } = await exchange([], request);
      return { outcomes: settlements.map(() => ({ ok: true })), deliveries };
    }),
  },
  {
    does: 'waits for a job in exchange',
    caughtBy: ['exchange/never-waits'],
    flaw: exchanging(exchange => async (settlements, request) => {
      const result = await exchange(settlements, request);
      if (result.deliveries.length === 0) await elapse(3_000);
      return result;
    }),
  },
  {
    does: 'forgets the lease in exchange',
    caughtBy: ['exchange/leases-are-leases'],
    flaw: exchanging(exchange => (settlements, request) => exchange(settlements, { ...request, leaseMs: 1e9 })),
  },
  {
    does: 'leases more in exchange than it hands out',
    caughtBy: ['exchange/loses-nothing'],
    flaw: exchanging(exchange => async (settlements, request) => {
      const { outcomes, deliveries } = await exchange(settlements, request);
      return { outcomes, deliveries: deliveries.slice(0, -1) };
    }),
  },
];
