import type { StoreCapabilities } from '@switchyard/queue-api';
import { BATCH_OVERHEAD_BYTES } from './kafka/record-batch-writer.ts';

/** What a broker takes that was not told otherwise. */
export const USUAL_MESSAGE_BYTES = 1_048_588;
/** Room beside the body for headers, the engine's note, and what we write ourselves. */
const BESIDE_THE_BODY_BYTES = 16 * 1024 + BATCH_OVERHEAD_BYTES;
/** What a hop takes, beside the wait for the head of its step. */
const HOP_MS = 150;

/** What the Kafka store can do where a record batch may have so many bytes, and delays have these steps. */
export function capabilitiesFor(maxMessageBytes: number, delaySteps: readonly number[]): StoreCapabilities {
  return {
    maxBatch: { enqueue: 1000, reserve: 1000, settle: 1000 },
    // A partition takes one batch after the other, and what is added meanwhile leaves together with the next.
    parallel: { enqueue: 1, reserve: 1, settle: 2 },
    maxBodyBytes: maxMessageBytes - BESIDE_THE_BODY_BYTES,
    delayResolutionMs: (delaySteps[0] ?? 0) + HOP_MS,
    leaseResolutionMs: 1000,
    priority: 'none',
    // Partitions are read side by side, and what is retried comes back behind others.
    order: 'none',
    counts: 'approximate',
    durable: true,
    shared: true,
    // A log does not say who has read it. A commit before each hand-out would, at the price of a round trip for each.
    countsCrashes: false,
    freeRelease: true,
    keepsNote: true,
    // An index of ids beside the log would be another store.
    knowsIds: false,
    leaseScope: 'partition',
  };
}
