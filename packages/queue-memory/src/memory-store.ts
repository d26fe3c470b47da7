import {
  type AdapterContext,
  isQueueError,
  type QueueName,
  type QueueStore,
  QueueUnavailableError,
  type StoreQueue,
} from '@switchyard/queue-api';
import { CAPABILITIES } from './capabilities.ts';
import type { Clock } from './clock.ts';
import { DeadLetters } from './dead-letters.ts';
import { MemoryQueue } from './memory-queue.ts';

/**
 * A connection to nowhere: the jobs are its own. They outlive the closing of a queue, which can be opened again, also
 * several times at once, and end with the store.
 */
export function createMemoryStore(clock: Clock, caps: AdapterContext['deadLetters']): QueueStore {
  const queues = new Map<string, MemoryQueue>();
  const handles = new Set<StoreQueue>();
  let closed = false;

  function queueFor({ plugin, name }: QueueName): MemoryQueue {
    // JSON keeps plugin and name apart, whatever characters they are made of (rule 3).
    const key = JSON.stringify([plugin, name]);
    let queue = queues.get(key);
    if (queue === undefined) {
      queue = new MemoryQueue(clock, new DeadLetters(caps));
      queues.set(key, queue);
    }
    return queue;
  }

  return {
    capabilities: CAPABILITIES,
    async open(name) {
      if (closed) throw closedError('The memory store');
      const handle = openQueue(queueFor(name), name, () => handles.delete(handle));
      handles.add(handle);
      return handle;
    },
    classify: error => (isQueueError(error, 'unavailable') ? 'unavailable' : 'rejected'),
    async close(options) {
      closed = true;
      for (const handle of handles) await handle.close(options);
      queues.clear();
    },
  };
}

/** One opened queue. Closed, it takes no more calls; the queue itself stays as it is. */
function openQueue(queue: MemoryQueue, { name }: QueueName, onClose: () => void): StoreQueue {
  const owner = {};
  let closed = false;
  const opened = () => {
    if (closed) throw closedError(`Queue '${name}' of the memory store`);
    return queue;
  };
  return {
    enqueue: async jobs => opened().enqueue(jobs),
    reserve: async request => opened().reserve(request, owner),
    settle: async settlements => opened().settle(settlements),
    exchange: async (settlements, request) => opened().exchange(settlements, request),
    extend: async (receipts, leaseMs) => opened().extend(receipts, leaseMs),
    counts: async () => opened().counts(),
    async close() {
      closed = true;
      queue.dismiss(owner);
      onClose();
    },
  };
}

/** Nothing happened, and the same call on a reopened queue would work. */
function closedError(what: string): QueueUnavailableError {
  return new QueueUnavailableError('not-stored', `${what} is closed`);
}
