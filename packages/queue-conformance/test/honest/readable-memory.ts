import { randomUUID } from 'node:crypto';
import type { QueueAdapter, QueueName, StoreQueue } from '@switchyard/queue-api';
import { memoryAdapter } from '@switchyard/queue-memory';
import { breakStore } from '../broken/break-store.ts';

const FOREIGN = 'x-foreign';

/** A store in memory with lanes, that foreign messages can get into, and the way in. */
export function createReadableMemory(): {
  readonly adapter: QueueAdapter;
  readonly injectForeign: (queue: QueueName, bytes: Uint8Array) => Promise<void>;
} {
  const opened = new Map<string, StoreQueue>();
  const adapter = breakStore(memoryAdapter, {
    capabilities: { priority: 'lanes' },
    queue: (inner, name) => {
      opened.set(keyOf(name), inner);
      return {
        reserve: async request => {
          const deliveries = await inner.reserve(request);
          return deliveries.map(delivery =>
            delivery.kind === 'job' && FOREIGN in delivery.headers
              ? { kind: 'unreadable', why: 'it has no envelope', receipt: delivery.receipt }
              : delivery,
          );
        },
      };
    },
  });
  return {
    adapter,
    injectForeign: async (name, bytes) => {
      const queue = opened.get(keyOf(name));
      const body = Buffer.from(bytes).toString('latin1');
      const job = { id: randomUUID(), body, headers: { [FOREIGN]: '' }, priority: 20, delayMs: 0 };
      await queue?.enqueue([job], { timeoutMs: 1_000 });
    },
  };
}

function keyOf({ plugin, name }: QueueName): string {
  return JSON.stringify([plugin, name]);
}
