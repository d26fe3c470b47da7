import type { BrokenStore } from './break-store.ts';

/** Stores that foreign messages get the better of. */
export const storesThatTripOverForeignMessages: readonly BrokenStore[] = [
  {
    does: 'throws when it cannot read a message',
    caughtBy: ['unreadable/set-apart', 'foreign-messages/neighbours-run'],
    base: 'readable',
    flaw: {
      queue: inner => ({
        reserve: async request => {
          const deliveries = await inner.reserve({ ...request, leaseMs: 1_000 });
          if (deliveries.some(({ kind }) => kind === 'unreadable')) throw new SyntaxError('Unexpected token');
          return deliveries;
        },
      }),
    },
  },
  {
    does: 'drops what it cannot read',
    caughtBy: ['unreadable/set-apart'],
    base: 'readable',
    flaw: {
      queue: inner => ({
        reserve: async request => (await inner.reserve(request)).filter(({ kind }) => kind === 'job'),
      }),
    },
  },
];
