import type { StoreCapabilities } from '@switchyard/queue-api';

/** What the PostgreSQL store can do. */
export const CAPABILITIES: StoreCapabilities = {
  // What is settled is found by comparing all with all.
  maxBatch: { enqueue: 1000, reserve: 200, settle: 200 },
  // Jobs of two calls at once would be numbered on two connections: their order would be anybody's guess.
  parallel: { enqueue: 1, reserve: 2, settle: 2 },
  // PostgreSQL takes more. It is the memory store's limit, and so what fits while developing fits here.
  maxBodyBytes: 16 * 1024 * 1024,
  delayResolutionMs: 1,
  leaseResolutionMs: 1,
  priority: 'strict',
  order: 'ready',
  counts: 'exact',
  durable: true,
  shared: true,
  countsCrashes: true,
  freeRelease: true,
  keepsNote: true,
  leaseScope: 'job',
};
