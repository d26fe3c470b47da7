import type { StoreCapabilities } from '@switchyard/queue-api';
import { BATCH_ENTRIES, RETENTION_MS, SQS_LIMITS } from './limits.ts';

/** Room beside the body for headers, the engine's note on a dead letter, and what we write ourselves. */
const BESIDE_THE_BODY_BYTES = 16 * 1024;

/** What the SQS store can do where a message may have so many bytes. */
export function capabilitiesFor(maxMessageBytes: number): StoreCapabilities {
  return {
    // What is added or settled together leaves in requests of ten, all at once.
    maxBatch: { enqueue: 100, reserve: BATCH_ENTRIES, settle: 100 },
    parallel: { enqueue: 4, reserve: 10, settle: 4 },
    maxBodyBytes: maxMessageBytes - BESIDE_THE_BODY_BYTES,
    maxAgeMs: RETENTION_MS,
    maxLeaseMs: SQS_LIMITS.invisibleMs,
    // SQS counts whole seconds.
    delayResolutionMs: 1000,
    leaseResolutionMs: 1000,
    priority: 'none',
    order: 'none',
    counts: 'approximate',
    durable: true,
    shared: true,
    // SQS counts how often a message was received, and nothing takes a receive back.
    countsCrashes: true,
    freeRelease: false,
    // A message cannot be changed. A copy with a note would do, at the price of two requests more for each failure and of
    // jobs that are there twice when a worker dies in between.
    keepsNote: false,
    // A table of ids beside SQS would be another store.
    knowsIds: false,
    leaseScope: 'job',
  };
}
