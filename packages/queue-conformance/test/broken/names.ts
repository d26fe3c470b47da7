import { randomUUID } from 'node:crypto';
import type { QueueName, QueueStore } from '@switchyard/queue-api';
import type { BrokenStore, Flaw } from './break-store.ts';

/** Keeps queues under another name than they have, and open as often as they are asked for. */
function calling(physical: (name: QueueName) => QueueName): Flaw {
  return { store: inner => ({ open: name => inner.open(physical(name)) }) };
}

/** Stores that mix queues up. */
export const storesThatMixQueuesUp: readonly BrokenStore[] = [
  {
    does: 'joins plugin and name with a hyphen',
    caughtBy: ['names/plugins'],
    flaw: calling(({ plugin, name }) => ({ plugin: '', name: plugin === '' ? name : `${plugin}-${name}` })),
  },
  {
    does: 'takes every separator for the same',
    caughtBy: ['names/separators'],
    flaw: calling(({ plugin, name }) => ({ plugin, name: name.replaceAll(/[._-]+/g, '-') })),
  },
  {
    does: 'writes names in lower case',
    caughtBy: ['names/case'],
    flaw: calling(({ plugin, name }) => ({ plugin: plugin.toLowerCase(), name: name.toLowerCase() })),
  },
  {
    does: 'keeps its queues in an object and trips over what every object has',
    caughtBy: ['names/odd'],
    flaw: calling(({ plugin, name }) => ({ plugin, name: name in {} ? 'inherited' : name })),
  },
  {
    does: 'cuts long names off',
    caughtBy: ['names/long'],
    flaw: calling(({ plugin, name }) => ({ plugin: plugin.slice(0, 63), name: name.slice(0, 63) })),
  },
  {
    does: 'keeps the dead letters of a queue in another queue of the same kind',
    caughtBy: ['names/helpers'],
    flaw: {
      queue: (inner, name, store: QueueStore) => ({
        settle: async (settlements, options) => {
          const outcomes = await inner.settle(settlements, options);
          if (settlements.some(({ kind }) => kind === 'dead')) {
            const dead = await store.open({ ...name, name: `${name.name}-dead` });
            await dead.enqueue([{ id: randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0 }], options);
          }
          return outcomes;
        },
      }),
    },
  },
];
