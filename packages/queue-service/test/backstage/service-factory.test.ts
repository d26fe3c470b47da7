import { createServiceFactory } from '@backstage/backend-plugin-api';
import type { Queue, QueueAdapter } from '@switchyard/queue-api';
import { queueAdaptersServiceRef } from '@switchyard/queue-api/backstage';
import { memoryAdapter } from '@switchyard/queue-memory';
import { queueServiceFactory } from '@switchyard/queue-service/backstage';
import { expect, it, vi } from 'vitest';
import { pluginWithQueues, startBackend } from './start-backend.ts';

it('gives a plugin queues whose jobs run', async () => {
  const ran = Promise.withResolvers<unknown>();
  const plugin = pluginWithQueues('catalog', async queues => {
    const queue = await queues.getQueue('refresh');
    queue.process(job => ran.resolve(job.payload));
    await queue.add({ entity: 'a' });
  });
  const backend = await startBackend({ features: [queueServiceFactory, plugin] });
  expect(await ran.promise).toEqual({ entity: 'a' });
  await backend.stop();
});

it('is the default export, as `backend.add(import(…))` wants it', async () => {
  expect((await import('@switchyard/queue-service/backstage')).default).toBe(queueServiceFactory);
});

it('works where the backend did not add it', async () => {
  let queue: Queue | undefined;
  const plugin = pluginWithQueues('catalog', async queues => {
    queue = await queues.getQueue('refresh');
    await queue.add({});
  });
  const backend = await startBackend({ features: [plugin] });
  expect(await queue?.getJobCount()).toBe(1);
  await backend.stop();
});

it('keeps the queues of two plugins apart, whatever they are called', async () => {
  const counts = new Map<string, Queue>();
  const adding = (plugin: string, name: string, jobs: number) =>
    pluginWithQueues(plugin, async queues => {
      const queue = await queues.getQueue(name);
      await queue.addBulk(Array.from({ length: jobs }, () => ({ payload: {} })));
      counts.set(plugin, queue);
    });
  const backend = await startBackend({ features: [queueServiceFactory, adding('a', 'b-c', 1), adding('a-b', 'c', 2)] });
  expect(await counts.get('a')?.getJobCount()).toBe(1);
  expect(await counts.get('a-b')?.getJobCount()).toBe(2);
  await backend.stop();
});

it('logs what concerns a queue under the name of its plugin', async () => {
  const plugin = pluginWithQueues('catalog', async queues => {
    await queues.getQueue('refresh', { maxAttempts: 2 });
    await queues.getQueue('refresh', { maxAttempts: 9 });
  });
  const backend = await startBackend({ features: [queueServiceFactory, plugin] });
  const warnings = backend.log.filter(line => line.level === 'warn');
  expect(warnings).toEqual([{ level: 'warn', plugin: 'catalog', message: expect.stringContaining('maxAttempts') }]);
  await backend.stop();
});

it.each([
  { queue: { maxAttempts: 'many' }, key: 'backend.queue.maxAttempts' },
  { queue: { natz: { servers: [] } }, key: 'backend.queue.natz' },
])('refuses to start with a wrong configuration, naming the key $key', async ({ queue, key }) => {
  const plugin = pluginWithQueues('catalog', async () => {});
  await expect(startBackend({ queue, features: [queueServiceFactory, plugin] })).rejects.toThrow(key);
});

it('connects once to a store that a third party brought, for all plugins, and closes it at the end', async () => {
  const connect = vi.fn<typeof memoryAdapter.connect>((...args) => memoryAdapter.connect(...args));
  const acmeAdapter: QueueAdapter = { ...memoryAdapter, store: 'acme', connect };
  const plugins = ['catalog', 'search'].map(id =>
    pluginWithQueues(id, async queues => {
      const queue = await queues.getQueue('refresh');
      await queue.add({});
      expect(queue.health().store).toBe('acme');
    }),
  );
  const backend = await startBackend({
    queue: { defaultStore: 'acme' },
    features: [
      queueServiceFactory,
      createServiceFactory({ service: queueAdaptersServiceRef, deps: {}, factory: () => acmeAdapter }),
      ...plugins,
    ],
  });
  expect(connect).toHaveBeenCalledTimes(1);
  const store = await connect.mock.results[0]?.value;
  const close = vi.spyOn(store, 'close');
  await backend.stop();
  expect(close).toHaveBeenCalled();
});
