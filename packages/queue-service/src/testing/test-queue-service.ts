import type { Queue, QueueEvents, QueueOptions, QueueService } from '@switchyard/queue-api';
import { createMemoryAdapter } from '@switchyard/queue-memory';
import { createQueueServiceIn, type QueueServiceOptions } from '../create-queue-service.ts';
import { ManualClock } from './manual-clock.ts';

/** How a job ended, for tests that await it. */
export type JobEnd =
  ({ readonly outcome: 'completed' } & QueueEvents['completed']) | ({ readonly outcome: 'dead' } & QueueEvents['dead']);

/**
 * A queue service for unit tests: the real engine on the memory store, with a clock that only moves when told to.
 * Delays and backoffs take no time, and nothing happens that the test did not ask for.
 */
export interface TestQueueService extends QueueService {
  /** Runs every job that is ready now, and what becomes ready meanwhile; resolves once nothing is running. */
  runDueJobs(): Promise<void>;
  /** Lets `ms` pass, running jobs as they become due: delayed ones and those that wait for a retry. */
  advance(ms: number): Promise<void>;
  /** Resolves with the next job of the queue that completes or dies. Ask before it can happen. */
  nextEnd(queueName: string): Promise<JobEnd>;
  /** Ends all queues; call it after each test. */
  close(): Promise<void>;
}

/** Options as for `createQueueService`; the store is always `memory`. */
export function createTestQueueService(
  options: Omit<QueueServiceOptions, 'adapters' | 'defaultStore'> = {},
): TestQueueService {
  const clock = new ManualClock();
  const service = createQueueServiceIn(
    { clock, random: () => 0.5 },
    { ...options, adapters: [createMemoryAdapter({ clock })], defaultStore: 'memory' },
  );
  const queues = new Map<string, Queue>();

  /** Who waits for the end of a job of a queue that nobody has asked for yet. */
  const early = new Map<string, ((queue: Queue) => void)[]>();

  async function getQueue(name: string, queueOptions?: QueueOptions): Promise<Queue> {
    const queue = await service.getQueue(name, queueOptions);
    queues.set(name, queue);
    for (const listen of early.get(name) ?? []) listen(queue);
    early.delete(name);
    return queue;
  }

  const isBusy = () => [...queues.values()].some(queue => queue.health().active > 0);

  async function runDueJobs(): Promise<void> {
    await clock.advance(0);
    // Handlers may do real I/O, which only real time can wait for.
    while (isBusy()) {
      await new Promise(resolve => void setTimeout(resolve, 1));
      await clock.advance(0);
    }
  }

  return {
    getQueue,
    runDueJobs,
    health: () => service.health(),
    async advance(ms) {
      await runDueJobs();
      const end = clock.now() + ms;
      for (let next = clock.nextTimer(end); next !== undefined; next = clock.nextTimer(end)) {
        await clock.advance(next - clock.now());
        if (isBusy()) await runDueJobs();
      }
      await clock.advance(end - clock.now());
    },
    nextEnd(queueName) {
      const queue = queues.get(queueName);
      if (queue !== undefined) return nextEndOf(queue);
      // Not made here: the options of the code under test must be the first.
      return new Promise(resolve => {
        early.set(queueName, [...(early.get(queueName) ?? []), made => resolve(nextEndOf(made))]);
      });
    },
    async close() {
      const closing = { done: false };
      const closed = service.close().then(() => (closing.done = true));
      // Whatever shutdown waits for is over at once.
      while (!closing.done) await clock.advance(1000);
      await closed;
    },
  };
}

function nextEndOf(queue: Queue): Promise<JobEnd> {
  return new Promise(resolve => {
    const stop = [
      queue.on('completed', event => settle({ outcome: 'completed', ...event })),
      queue.on('dead', event => settle({ outcome: 'dead', ...event })),
    ];
    function settle(end: JobEnd): void {
      for (const remove of stop) remove();
      resolve(end);
    }
  });
}
