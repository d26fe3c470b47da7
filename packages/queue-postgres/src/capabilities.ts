import type { StoreCapabilities } from '@switchyard/queue-api';

/** What the PostgreSQL store can do. */
export const CAPABILITIES: StoreCapabilities = {
  // What is settled is found by comparing all with all.
  maxBatch: { enqueue: 1000, reserve: 200, settle: 200 },
  // One call is prepared while the server works on another. Jobs keep their order, for both use the same connection.
  parallel: { enqueue: 2, reserve: 2, settle: 2 },
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
  knowsIds: true,
  leaseScope: 'job',
};
