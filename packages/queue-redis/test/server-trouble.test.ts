import { ownServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

it('survives SCRIPT FLUSH', async () => {
  await using scene = await openStore();
  const { queue, redis } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  for (let round = 0; round < 3; round++) {
    await redis.script('FLUSH');
    await queue.enqueue([newJob()], IN_TIME);
    await redis.script('FLUSH');
    const [delivery] = await reserve(queue);
    await redis.script('FLUSH');
    expect(await queue.extend([delivery!.receipt], 1000, IN_TIME)).toEqual([{ ok: true }]);
    await redis.script('FLUSH');
    expect(await queue.settle([{ kind: 'ack', receipt: delivery!.receipt }], IN_TIME)).toEqual([{ ok: true }]);
  }
});

it('takes no job when memory is full, loses none, and can be emptied', { timeout: 60_000 }, async () => {
  await using server = await ownServer('redis', { args: ['--maxmemory', '8mb', '--maxmemory-policy', 'noeviction'] });
  await using scene = await openStore({ connection: server.url });
  const { store, queue } = scene;
  const body = JSON.stringify('x'.repeat(20_000));
  const stored: string[] = [];
  let refusal: unknown;
  while (refusal === undefined) {
    const job = newJob({ body });
    try {
      await queue.enqueue([job], IN_TIME);
      stored.push(job.id);
    } catch (error) {
      refusal = error;
    }
  }
  expect(store.classify(refusal)).toBe('throttled');

  const [failed, released, ...others] = await reserve(queue, { max: stored.length });
  const settlements = await queue.settle(
    [
      { kind: 'retry', receipt: failed!.receipt, delayMs: 0, note: 'failed' },
      { kind: 'release', receipt: released!.receipt },
      ...others.map(({ receipt }) => ({ kind: 'ack', receipt }) as const),
    ],
    IN_TIME,
  );
  expect(settlements.filter(({ ok }) => !ok)).toEqual([]);
  expect(others.length).toBe(stored.length - 2);
  expect(await queue.counts()).toMatchObject({ waiting: 2, active: 0 });
  await vi.waitFor(() => queue.enqueue([newJob({ body })], IN_TIME), { timeout: 5000 });
});

it.each([
  ['allkeys-lru', ['eviction', 'no-persistence']],
  // Only keys with a time to live, of which there are none.
  ['volatile-lru', ['no-persistence']],
])('warns once of what can lose jobs: %s without persistence', async (policy, codes) => {
  await using server = await ownServer('redis', { args: ['--maxmemory', '100mb', '--maxmemory-policy', policy] });
  await using scene = await openStore({ connection: server.url });
  await vi.waitFor(() => expect(scene.reports.map(({ code }) => code)).toEqual(codes));
});

it('warns of nothing where a server keeps what it has', async () => {
  await using server = await ownServer('redis', { persistence: 'everysec' });
  await using scene = await openStore({ connection: server.url });
  await scene.queue.counts();
  expect(scene.reports).toEqual([]);
});

it('goes by the clock of the server: a worker whose own is an hour ahead starts nothing early', async () => {
  await using scene = await openStore();
  const { queue } = scene;
  const ahead = Date.now() + 60 * 60 * 1000;
  vi.spyOn(Date, 'now').mockReturnValue(ahead);
  await queue.enqueue([newJob({ delayMs: 60_000 })], IN_TIME);
  expect(await reserve(queue, { waitMs: 200 })).toEqual([]);
  expect(await queue.counts()).toMatchObject({ waiting: 0, delayed: 1 });
});
