import { expect, it } from 'vitest';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

it('leaves nothing of finished jobs in Redis but the sequence', async () => {
  await using scene = await openStore();
  const { queue, redis, keyPrefix, key } = scene;
  for (let round = 0; round < 3; round++) {
    await queue.enqueue([newJob(), newJob({ priority: -5 }), newJob({ delayMs: 20 })], IN_TIME);
    const [first, second] = await reserve(queue, { max: 2 });
    await queue.settle([{ kind: 'retry', receipt: first!.receipt, delayMs: 10, note: 'again' }], IN_TIME);
    await queue.settle([{ kind: 'ack', receipt: second!.receipt }], IN_TIME);
    for (let left = 2; left > 0;) {
      const deliveries = await reserve(queue, { max: 2, waitMs: 1000 });
      left -= deliveries.length;
      await queue.settle(
        deliveries.map(({ receipt }) => ({ kind: 'ack', receipt })),
        IN_TIME,
      );
    }
  }
  expect(await redis.keys(`${keyPrefix}:*`)).toEqual([key('sequence')]);
});

it('keeps dead letters with body, note and time, up to the operator’s caps', async () => {
  await using scene = await openStore({}, { maxCount: 2 });
  const { queue, redis, key } = scene;
  const jobs = [1, 2, 3].map(n => newJob({ body: `{"n":${n}}` }));
  await queue.enqueue(jobs, IN_TIME);
  for (const { receipt } of await reserve(queue, { max: 3 }))
    await queue.settle([{ kind: 'dead', receipt, note: 'no use' }], IN_TIME);
  const kept = jobs.slice(1).map(({ id }) => id);
  expect(await redis.zrange(key('dead'), '0', '-1')).toEqual(kept);
  expect((await redis.hkeys(key('jobs'))).toSorted()).toEqual(kept.flatMap(id => [id, `@${id}`]).toSorted());
  expect(await redis.hget(key('jobs'), kept[0]!)).toContain('{"n":2}');
  expect(await redis.hget(key('jobs'), `@${kept[0]}`)).toContain('no use');
  const [, diedAt] = await redis.zrange(key('dead'), '0', '0', 'WITHSCORES');
  expect(Math.abs(Number(diedAt) / 1000 - Date.now())).toBeLessThan(60_000);
});

it('deletes dead letters past their age when it finds nothing else to do', async () => {
  await using scene = await openStore({}, { maxAgeMs: 50 });
  const { queue, redis, key } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  const [delivery] = await reserve(queue);
  await queue.settle([{ kind: 'dead', receipt: delivery!.receipt, note: '' }], IN_TIME);
  expect((await queue.counts()).dead).toBe(1);
  await reserve(queue, { waitMs: 100, leaseMs: 60 });
  expect((await queue.counts()).dead).toBe(0);
  expect(await redis.exists(key('jobs'))).toBe(0);
});
