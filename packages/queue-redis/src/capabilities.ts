import type { StoreCapabilities } from '@switchyard/queue-api';

/** What the Redis store can do. */
export const CAPABILITIES: StoreCapabilities = {
  // Redis does nothing else meanwhile: a millisecond or two for so many new jobs. More are sent while it works on these.
  maxBatch: { enqueue: 250, reserve: 1000, settle: 1000 },
  parallel: { enqueue: 4, reserve: 2, settle: 2 },
  // Redis takes more. It is the memory store's limit, and so what fits while developing fits here.
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
