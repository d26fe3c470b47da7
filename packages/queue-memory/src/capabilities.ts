import type { StoreCapabilities } from '@switchyard/queue-api';

/** What the store in memory can do. */
export const CAPABILITIES: StoreCapabilities = {
  // A batch keeps the event loop for itself until it is done: about a millisecond at this size.
  maxBatch: { enqueue: 1000, reserve: 1000, settle: 1000 },
  // A call is carried out at once, so one at a time loses nothing and makes for larger batches. Reserves can wait
  // side by side.
  parallel: { enqueue: 1, reserve: 4, settle: 1 },
  // A body stays in the heap of the process until its job is done, and Node's default heap has room for some hundred
  // of this size.
  maxBodyBytes: 16 * 1024 * 1024,
  delayResolutionMs: 1,
  leaseResolutionMs: 1,
  priority: 'strict',
  order: 'ready',
  counts: 'exact',
  durable: false,
  shared: false,
  countsCrashes: true,
  freeRelease: true,
  keepsNote: true,
  knowsIds: true,
  leaseScope: 'job',
};
