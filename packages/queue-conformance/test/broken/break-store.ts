import type {
  Delivery,
  QueueAdapter,
  QueueName,
  QueueStore,
  StoreCapabilities,
  StoreQueue,
} from '@switchyard/queue-api';
import type { HonestStore } from '../honest/harness-of.ts';

/** What is wrong with a store that is otherwise right. */
export interface Flaw {
  readonly adapter?: (inner: QueueAdapter) => Partial<QueueAdapter>;
  readonly capabilities?: Partial<StoreCapabilities>;
  readonly store?: (inner: QueueStore) => Partial<QueueStore>;
  readonly queue?: (inner: StoreQueue, name: QueueName, store: QueueStore) => Partial<StoreQueue>;
}

/** A deliberately broken store, and the cases that must reject it. */
export interface BrokenStore {
  /** What it does wrong. */
  readonly does: string;
  readonly caughtBy: readonly string[];
  /** The honest store underneath; default `memory`. */
  readonly base?: HonestStore;
  readonly flaw: Flaw;
}

/**
 * An adapter that does what `inner` does, except for its flaw. A store whose `reserve` or `settle` is flawed has no
 * `exchange`, which would go around the flaw.
 */
export function breakStore(inner: QueueAdapter, flaw: Flaw): QueueAdapter {
  return {
    contract: inner.contract,
    store: inner.store,
    config: inner.config,
    connect: async (config, context) => breakConnection(await inner.connect(config, context), flaw),
    ...flaw.adapter?.(inner),
  };
}

function breakConnection(inner: QueueStore, flaw: Flaw): QueueStore {
  const store: QueueStore = {
    capabilities: { ...inner.capabilities, ...flaw.capabilities },
    open: async name => breakQueue(await inner.open(name), name, inner, flaw),
    classify: error => inner.classify(error),
    close: options => inner.close(options),
  };
  return { ...store, ...flaw.store?.(store) };
}

function breakQueue(inner: StoreQueue, name: QueueName, store: QueueStore, flaw: Flaw): StoreQueue {
  const changes = flaw.queue?.(inner, name, store) ?? {};
  const exchange = inner.exchange?.bind(inner);
  const standby = inner.standby?.bind(inner);
  const around = 'reserve' in changes || 'settle' in changes;
  return {
    enqueue: (jobs, options) => inner.enqueue(jobs, options),
    reserve: request => inner.reserve(request),
    settle: (settlements, options) => inner.settle(settlements, options),
    ...(exchange && !around && { exchange }),
    extend: (receipts, leaseMs, options) => inner.extend(receipts, leaseMs, options),
    ...(standby && { standby }),
    counts: () => inner.counts(),
    close: options => inner.close(options),
    ...changes,
  };
}

/** A flaw in what `reserve` answers. */
export function inDeliveries(
  change: (deliveries: readonly Delivery[]) => readonly Delivery[] | Promise<readonly Delivery[]>,
): Flaw {
  return { queue: inner => ({ reserve: async request => change(await inner.reserve(request)) }) };
}

/** A flaw in every single job that `reserve` hands out. */
export function inEveryDelivery<Memory>(
  remember: () => Memory,
  change: (delivery: Extract<Delivery, { kind: 'job' }>, memory: Memory) => Delivery,
): Flaw {
  return {
    queue: inner => {
      const memory = remember();
      return {
        reserve: async request => {
          const deliveries = await inner.reserve(request);
          return deliveries.map(delivery => (delivery.kind === 'job' ? change(delivery, memory) : delivery));
        },
      };
    },
  };
}
