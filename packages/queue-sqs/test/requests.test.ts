import { randomUUID } from 'node:crypto';
import { createQueueService } from '@switchyard/queue-service';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { expect, it, vi } from 'vitest';
import { settingsFor } from './open-store.ts';
import { type RequestProxy, requestProxy } from './request-proxy.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

/** A service that sends its requests past somebody who counts. */
function countedService({ url }: RequestProxy) {
  const sqs = settingsFor(url);
  return createQueueService({ adapters: [sqsAdapter], defaultStore: 'sqs', sqs, logger: QUIET });
}

it.each([
  { concurrency: 1, jobs: 50, most: 2.2 },
  { concurrency: 10, jobs: 500, most: 0.35 },
  { concurrency: 50, jobs: 500, most: 0.35 },
])('a job costs no more than $most requests at concurrency $concurrency', async ({ concurrency, jobs, most }) => {
  await using proxy = await requestProxy();
  const service = countedService(proxy);
  const queue = await service.getQueue(`work-${randomUUID()}`);
  const before = proxy.count();
  await Promise.all(Array.from({ length: jobs }, (_, n) => queue.add(n)));
  let completed = 0;
  queue.on('completed', () => void completed++);
  queue.process(() => {}, { concurrency });
  await vi.waitFor(() => expect(completed).toBe(jobs), { timeout: 20_000 });
  const requests = proxy.count() - before;
  console.log(`${requests / jobs} requests a job at concurrency ${concurrency}`);
  await service.close();
  expect(requests / jobs).toBeLessThanOrEqual(most);
});

it('an idle queue costs a request in twenty seconds', { timeout: 60_000 }, async () => {
  await using proxy = await requestProxy();
  const service = countedService(proxy);
  const queue = await service.getQueue(`work-${randomUUID()}`);
  queue.process(() => {});
  const polls = () => proxy.seen.filter(({ action }) => action === 'ReceiveMessage');
  await vi.waitFor(() => expect(polls()).toHaveLength(1));
  // Its dead letters find their place meanwhile, once.
  await vi.waitFor(() => expect(proxy.count('CreateQueue')).toBe(2));
  const before = proxy.count();
  await vi.waitFor(() => expect(polls()).toHaveLength(2), { timeout: 30_000 });
  const [first, second] = polls();
  expect(proxy.count() - before).toBe(1);
  expect(1000 / (second!.at - first!.at)).toBeLessThanOrEqual(0.06);
  await service.close();
});
