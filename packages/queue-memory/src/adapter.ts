import { ADAPTER_CONTRACT, type QueueAdapter } from '@switchyard/queue-api';
import { z } from 'zod';
import { type Clock, systemClock } from './clock.ts';
import { createMemoryStore } from './memory-store.ts';

/** `backend.queue.memory` may be absent or empty. A record of nothing reports each key at its own path. */
const config = z.record(z.string(), z.never({ error: 'Unknown key: the memory store has no settings' })).optional();

/**
 * Makes an adapter for the store in memory. Each `connect` is a store of its own, which no other connection sees.
 *
 * `clock` is for tests; the default is the machine's, which does not run backwards when the time is set (rule 26).
 */
export function createMemoryAdapter(options: { readonly clock?: Clock } = {}): QueueAdapter {
  const { clock = systemClock } = options;
  return {
    contract: ADAPTER_CONTRACT,
    store: 'memory',
    config,
    connect: async (_config, { deadLetters }) => createMemoryStore(clock, deadLetters),
  };
}

/** The store in memory: `defaultStore: memory`, which is the default. */
export const memoryAdapter: QueueAdapter = createMemoryAdapter();
