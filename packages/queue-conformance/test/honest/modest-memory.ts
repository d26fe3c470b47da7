import { randomUUID } from 'node:crypto';
import type { Delivery, JobCounts, QueueAdapter, Receipt, Settlement, StoreQueue } from '@switchyard/queue-api';
import { breakStore } from '../broken/break-store.ts';
import { createSharedMemoryAdapter } from './shared-memory.ts';

const STEP_MS = 100;
const UUID_LENGTH = 36;

function roundUp(ms: number): number {
  return Math.ceil(ms / STEP_MS) * STEP_MS;
}

/**
 * A store that can do as little as the contract allows and says so: no priorities, small batches, whole steps of time,
 * counts from a moment ago, crashes, notes and ids forgotten, releases charged. The kit must accept it.
 */
export function createModestMemoryAdapter(): QueueAdapter {
  return breakStore(createSharedMemoryAdapter(), {
    adapter: inner => ({ store: inner.store }),
    capabilities: {
      maxBatch: { enqueue: 10, reserve: 10, settle: 10 },
      parallel: { enqueue: 1, reserve: 1, settle: 1 },
      maxBodyBytes: 32 * 1024 * 1024,
      maxDelayMs: 900_000,
      maxLeaseMs: 12 * 60 * 60 * 1000,
      delayResolutionMs: STEP_MS,
      leaseResolutionMs: STEP_MS,
      priority: 'none',
      counts: 'approximate',
      countsCrashes: false,
      freeRelease: false,
      keepsNote: false,
      knowsIds: false,
    },
    queue: inner => modest(inner),
  });
}

/** What the hand-outs of a job have come to. Shared by all connections, as a header of the message would be. */
const settledAttempts = new Map<string, number>();
const truePriorities = new Map<string, number>();

function modest(inner: StoreQueue): Partial<StoreQueue> {
  const jobs = new Map<Receipt, string>();
  let counted: JobCounts = { waiting: 0, delayed: 0, active: 0 };

  const plain = (delivery: Delivery): Delivery => {
    if (delivery.kind !== 'job') return delivery;
    const { note: _, ...rest } = delivery;
    jobs.set(delivery.receipt, delivery.id);
    const priority = truePriorities.get(delivery.id) ?? delivery.priority;
    return {
      ...rest,
      id: delivery.id.slice(UUID_LENGTH),
      priority,
      attempt: (settledAttempts.get(delivery.id) ?? 0) + 1,
    };
  };
  const charged = (settlement: Settlement): Settlement => {
    if (settlement.kind !== 'retry' && settlement.kind !== 'release') return settlement;
    const delayMs = roundUp(settlement.delayMs ?? 0);
    return { kind: 'retry', receipt: settlement.receipt, delayMs, note: '' };
  };
  return {
    enqueue: (batch, options) => {
      const call = randomUUID();
      const stored = batch.map(job => ({ ...job, id: `${call}${job.id}`, priority: 0, delayMs: roundUp(job.delayMs) }));
      for (const { id } of stored) truePriorities.set(id, batch.find(job => id.endsWith(job.id))?.priority ?? 0);
      return inner.enqueue(stored, options);
    },
    reserve: async request => {
      const deliveries = await inner.reserve({ ...request, leaseMs: roundUp(request.leaseMs) });
      return deliveries.map(plain);
    },
    settle: async (settlements, options) => {
      const outcomes = await inner.settle(settlements.map(charged), options);
      for (const [index, { kind, receipt }] of settlements.entries()) {
        const id = jobs.get(receipt);
        if (id === undefined || !outcomes[index]?.ok || (kind !== 'retry' && kind !== 'release')) continue;
        settledAttempts.set(id, (settledAttempts.get(id) ?? 0) + 1);
      }
      return outcomes;
    },
    extend: (receipts, leaseMs, options) => inner.extend(receipts, roundUp(leaseMs), options),
    standby: async () => {},
    counts: async () => {
      const stale = counted;
      const { dead: _, ...now } = await inner.counts();
      counted = now;
      return stale;
    },
  };
}
