import type { QueueAdapter, QueueStore, StoreQueue } from '@switchyard/queue-api';
import { memoryAdapter } from '@switchyard/queue-memory';

const SOCKET_ERRORS = ['ECONNREFUSED', 'ECONNRESET', 'ETIMEDOUT', 'EPIPE', 'ENOTFOUND'];

/**
 * The store in memory behind connections, as a server would be: all of them see the same jobs, and closing the last one
 * loses none. An honest store that declares `shared` and `durable`.
 */
export function createSharedMemoryAdapter(): QueueAdapter {
  let server: Promise<QueueStore> | undefined;
  return {
    contract: memoryAdapter.contract,
    store: 'shared-memory',
    config: memoryAdapter.config,
    connect: async (config, context) => {
      server ??= memoryAdapter.connect(config, context);
      return connectTo(await server);
    },
  };
}

function connectTo(server: QueueStore): QueueStore {
  const opened = new Set<StoreQueue>();
  let closed = false;
  return {
    capabilities: { ...server.capabilities, shared: true, durable: true },
    open: async name => {
      if (closed) throw Object.assign(new Error('the connection is closed'), { code: 'ECONNRESET' });
      const queue = await server.open(name);
      opened.add(queue);
      return queue;
    },
    classify: error => (SOCKET_ERRORS.includes(codeOf(error)) ? 'unavailable' : server.classify(error)),
    close: async options => {
      closed = true;
      await Promise.all([...opened].map(queue => queue.close(options)));
    },
  };
}

function codeOf(error: unknown): string {
  return typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
}
