import type { ConformanceHarness } from '@switchyard/queue-conformance';
import { memoryAdapter } from '@switchyard/queue-memory';
import { createModestMemoryAdapter } from './modest-memory.ts';
import { createReadableMemory } from './readable-memory.ts';
import { createSharedMemoryAdapter } from './shared-memory.ts';

export type HonestStore = 'memory' | 'shared' | 'modest' | 'readable';

/** The honest stores that the kit must accept, each with other capabilities, by name. */
export const harnessOf: Record<HonestStore, () => ConformanceHarness> = {
  memory: () => ({ adapter: memoryAdapter }),
  shared: () => ({ adapter: createSharedMemoryAdapter() }),
  modest: () => ({ adapter: createModestMemoryAdapter() }),
  readable: () => createReadableMemory(),
};
