import type { BrokenStore } from './break-store.ts';

/** Adapters that say wrong things about themselves. */
export const brokenAdapters: readonly BrokenStore[] = [
  {
    does: 'states a contract that does not exist',
    caughtBy: ['adapter/states-its-contract'],
    flaw: { adapter: () => ({ contract: 2 as 1 }) },
  },
  {
    does: 'accepts any configuration',
    caughtBy: ['adapter/refuses-unknown-keys', 'adapter/refuses-what-is-no-section'],
    flaw: {
      adapter: () => ({ config: { '~standard': { version: 1, vendor: 'test', validate: value => ({ value }) } } }),
    },
  },
  {
    does: 'looks into errors that are not there',
    caughtBy: ['adapter/classifies-anything'],
    flaw: {
      store: () => ({ classify: error => ((error as Error).message === 'down' ? 'unavailable' : 'rejected') }),
    },
  },
  {
    does: 'takes a lost connection for a refusal',
    caughtBy: ['adapter/classifies-lost-connections'],
    flaw: { capabilities: { shared: true }, store: () => ({ classify: () => 'rejected' }) },
  },
];
