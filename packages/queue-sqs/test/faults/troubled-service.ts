import { randomUUID } from 'node:crypto';
import { setTimeout as elapse } from 'node:timers/promises';
import { createQueueService } from '@switchyard/queue-service';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { expect, vi } from 'vitest';
import { settingsFor } from '../open-store.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

/** A queue that is reached through whatever a test does to requests, and a ledger of its jobs. */
export async function troubledQueue(endpoint: string, leaseDuration = 2000) {
  const service = createQueueService({
    adapters: [sqsAdapter],
    defaultStore: 'sqs',
    sqs: settingsFor(endpoint),
    leaseDuration,
    maxAttempts: 50,
    addTimeout: 30_000,
    logger: QUIET,
  });
  const queue = await service.getQueue<unknown>(`work-${randomUUID()}`);
  const added: string[] = [];
  const ran: string[] = [];
  const completed = new Set<string>();
  queue.on('completed', ({ id }) => completed.add(id));
  return {
    queue,
    ran,
    /** Those that count as done. */
    completed,
    async add(count: number) {
      const ids = await Promise.all(Array.from({ length: count }, (_, n) => queue.add(n)));
      added.push(...ids);
    },
    process(concurrency: number, takesMs = 0) {
      queue.process(
        async ({ id }) => {
          ran.push(id);
          await elapse(takesMs);
        },
        { concurrency },
      );
    },
    /** Waits until no job is left, and asserts that each that was added has run. Returns how many ran more than once. */
    async allRan(): Promise<number> {
      await vi.waitFor(() => expect(added.filter(id => !ran.includes(id))).toEqual([]), {
        timeout: 60_000,
        interval: 100,
      });
      await vi.waitFor(async () => expect(await queue.getJobCount()).toBe(0), { timeout: 60_000, interval: 100 });
      return ran.length - new Set(ran).size;
    },
    [Symbol.asyncDispose]: () => service.close(),
  };
}
