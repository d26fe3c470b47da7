import { describe, expect, it } from 'vitest';
import { createQueueServiceIn } from '../src/create-queue-service.ts';
import { ManualClock } from '../src/testing/manual-clock.ts';
import { half, timeTaken } from './engine/world.ts';
import { scriptedAdapter } from './stores/scripted-adapter.ts';

const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

describe('createQueueService', () => {
  it('needs nothing, and works in memory', async () => {
    const clock = new ManualClock();
    const service = createQueueServiceIn({ clock, random: half }, {});
    const queue = await service.getQueue<{ n: number }>('a');
    await queue.add({ n: 1 });
    expect(await queue.getJobCount()).toBe(1);
    expect(service.health()).toMatchObject({ healthy: true, queues: [{ name: 'a', store: 'memory' }] });
    await timeTaken(clock, service.close());
  });

  it("takes third parties' adapters, passed in or by the name of an installed package", async () => {
    const clock = new ManualClock();
    const { adapter, store } = scriptedAdapter(clock, 'nats');
    const service = createQueueServiceIn(
      { clock, random: half },
      { adapters: [adapter, '@switchyard/queue-memory'], defaultStore: 'nats', nats: { url: 'x' }, logger: silent },
    );
    await (await service.getQueue('a')).add(1);
    await (await service.getQueue('b', { store: 'memory' })).add(1);
    expect(store.enqueue.calls).toHaveLength(1);
    await timeTaken(clock, service.close());
  });

  it.each<[string, object, RegExp]>([
    ['a wrong value', { maxAttempts: 0 }, /maxAttempts: /],
    ['an unknown option', { defaultstore: 'memory' }, /^defaultstore: /],
    ['a store without its section', { defaultStore: 'nats' }, /There is no store 'nats'/],
    ['a wrong setting of a store', { scripted: { url: 5 } }, /scripted\.url: /],
  ])('refuses %s, by its key', async (_, options, message) => {
    const clock = new ManualClock();
    const { adapter } = scriptedAdapter(clock);
    const made = async () =>
      createQueueServiceIn({ clock, random: half }, { adapters: [adapter], ...options }).getQueue('a');
    await expect(made()).rejects.toMatchObject({
      code: 'invalid-config',
      message: expect.stringMatching(message) as string,
    });
  });
});
