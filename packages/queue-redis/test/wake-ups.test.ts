import { expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

/** Adds a job as another process would. */
async function addElsewhere({ keyPrefix }: { readonly keyPrefix: string }, name: string): Promise<void> {
  await using elsewhere = await openStore({ keyPrefix });
  const queue = await elsewhere.store.open({ plugin: 'test', name });
  await queue.enqueue([newJob()], IN_TIME);
}

const subscribers = async (scene: Awaited<ReturnType<typeof openStore>>) =>
  ((await scene.redis.pubsub('NUMSUB', scene.key('wake'))) as [string, number])[1];

it('listens on one connection for all queues of the process, and is silent while it waits', async () => {
  await using scene = await openStore();
  const { store, redis, keyPrefix } = scene;
  const queues = await Promise.all(
    Array.from({ length: 20 }, (_, n) => store.open({ plugin: 'test', name: `idle-${n}` })),
  );
  const waiting = queues.map(queue => reserve(queue, { waitMs: 3000 }));
  const channels = async () => ((await redis.pubsub('CHANNELS', `${keyPrefix}:*`)) as string[]).length;
  await vi.waitFor(async () => expect(await channels()).toBe(20), { timeout: 5000 });
  const listening = ((await redis.client('LIST')) as string).split('\n').filter(line => / sub=20 /.test(line));
  expect(listening).toHaveLength(1);
  await addElsewhere(scene, 'idle-7');
  expect(await waiting[7]).toHaveLength(1);
  expect((await Promise.all(waiting)).flat()).toHaveLength(1);
});

it('replaces the connection that listens when it is lost, and misses nothing', async () => {
  await using scene = await openStore();
  const { queue, redis } = scene;
  for (let round = 0; round < 3; round++) {
    const answer = reserve(queue, { waitMs: 10_000 });
    await vi.waitFor(async () => expect(await subscribers(scene)).toBe(1), { timeout: 5000 });
    await redis.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
    await addElsewhere(scene, 'work');
    const begin = performance.now();
    expect(await answer).toHaveLength(1);
    expect(performance.now() - begin).toBeLessThan(2500);
  }
});

it('wakes who waits for a lease that is longer than the wait of another', async () => {
  await using scene = await openStore();
  const { queue } = scene;
  const [first] = [await queue.enqueue([newJob()], IN_TIME)];
  expect(first).toEqual([{ ok: true }]);
  await reserve(queue, { leaseMs: 700 });
  const begin = performance.now();
  expect(await reserve(queue, { waitMs: 5000 })).toHaveLength(1);
  expect(performance.now() - begin).toBeGreaterThan(600);
});

it('gives a job to who waits in the process that adds it, before others are told', async () => {
  await using scene = await openStore();
  await using elsewhere = await openStore({ keyPrefix: scene.keyPrefix });
  // Both know their scripts from here on.
  for (const { queue } of [scene, elsewhere]) {
    await queue.enqueue([newJob()], IN_TIME);
    await reserve(queue);
  }
  const farAway = reserve(elsewhere.queue, { waitMs: 2000 });
  await vi.waitFor(async () => expect(await subscribers(scene)).toBe(1), { timeout: 5000 });
  for (let round = 0; round < 20; round++) {
    const here = reserve(scene.queue, { waitMs: 10_000 });
    // Answered after its first look: it sleeps from here on.
    await scene.queue.counts();
    await scene.queue.enqueue([newJob()], IN_TIME);
    expect(await here).toHaveLength(1);
  }
  expect(await farAway).toEqual([]);
});
