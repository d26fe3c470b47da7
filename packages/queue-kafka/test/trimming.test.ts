import { testServer } from '@switchyard/test-servers';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { committedOf, logOf, membersOf } from './look.ts';
import { asJob, IN_TIME, newJob, openStore, otherClient, reserve, takeOne } from './open-store.ts';

const { url } = await testServer('kafka');
const SOON = { timeout: 15_000, interval: 50 };
const PACE = { trimEveryMs: 200 };

let admin: Admin;
beforeAll(async () => {
  admin = otherClient(url).admin();
  await admin.connect();
});
afterAll(() => admin.disconnect());

type Scene = Awaited<ReturnType<typeof openStore>>;

/** A queue of one partition with jobs at the offsets 0 to `count - 1`, and all of them leased. */
async function leased(count: number, scene: Scene) {
  const jobs = Array.from({ length: count }, () => newJob());
  await scene.queue.enqueue(jobs, IN_TIME);
  const taken = [];
  while (taken.length < count) taken.push(...(await reserve(scene.queue, { max: count })).map(asJob));
  expect(taken.map(({ id }) => id)).toEqual(jobs.map(({ id }) => id));
  return taken;
}

const ack = ({ queue }: Scene, those: readonly { readonly receipt: unknown }[]) =>
  queue.settle(
    those.map(({ receipt }) => ({ kind: 'ack', receipt })),
    IN_TIME,
  );

const startOf = async (topic: string, partition = 0) => (await logOf(admin, topic)).get(partition)?.start;

describe('records that are finished', () => {
  it('are removed up to the first that is not, and it is not', async () => {
    await using scene = await openStore({ settings: { partitions: 1 }, pace: PACE });
    const jobs = await leased(20, scene);
    await ack(scene, [...jobs.slice(0, 5), ...jobs.slice(6)]);
    const { main } = scene.topics;
    await vi.waitFor(async () => expect(await startOf(main)).toBe(5), SOON);
    await ack(scene, [jobs[5]!]);
    await vi.waitFor(async () => expect(await startOf(main)).toBe(20), SOON);
    expect((await committedOf(admin, main)).get(0)).toBe(20);
  });

  it('are removed from the delayed as well, once they have gone on', async () => {
    await using scene = await openStore({ settings: { delaySteps: [50] }, pace: PACE });
    const { queue, topics } = scene;
    await queue.enqueue([newJob({ delayMs: 50 }), newJob({ delayMs: 3_600_000 })], IN_TIME);
    await takeOne(queue);
    // Each hop of the long one is one more.
    await vi.waitFor(async () => expect(await startOf(topics.delay)).toBeGreaterThan(1), SOON);
    // While it hops it is in two places, or seems to be in none.
    await vi.waitFor(async () => expect(await queue.counts()).toMatchObject({ delayed: 1 }), SOON);
  });

  it('are removed below what is committed, and not below what is only done here', async () => {
    await using scene = await openStore({ settings: { partitions: 1 }, pace: PACE });
    const { main } = scene.topics;
    for (let round = 0; round < 5; round++) {
      await ack(scene, await leased(10, scene));
      await vi.waitFor(async () => {
        // Asked in this order: what is committed grows.
        const start = await startOf(main);
        expect((await committedOf(admin, main)).get(0)).toBeGreaterThanOrEqual(start ?? Infinity);
        expect(start).toBe(10 * (round + 1));
      }, SOON);
    }
  });

  it('do not run again when the group has lost its offsets, and the others do', async () => {
    const first = await openStore({ settings: { partitions: 1 }, pace: PACE });
    const jobs = await leased(20, first);
    await ack(first, jobs.slice(0, 8));
    const { main } = first.topics;
    await vi.waitFor(async () => expect(await startOf(main)).toBe(8), SOON);
    await first.store.close({ timeoutMs: 5000 });
    await vi.waitFor(async () => {
      expect((await membersOf(admin, main))?.size).toBe(0);
      await admin.deleteGroups([main]);
    }, SOON);
    await using second = await openStore({ name: first.name });
    const again = (await reserve(second.queue, { max: 100 })).map(asJob);
    expect(again.map(({ id }) => id)).toEqual(jobs.slice(8).map(({ id }) => id));
    expect(await reserve(second.queue, { waitMs: 300 })).toEqual([]);
    expect(second.reports).toEqual([]);
  });
});
