import { testServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { asOperator, membersOf, sendByHand } from './look.ts';
import { asJob, IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';

const { url } = await testServer('kafka');
const SOON = { timeout: 10_000, interval: 50 };
const NONE = { waiting: 0, delayed: 0, active: 0 };

const jobs = (count: number, delayMs = 0) => Array.from({ length: count }, () => newJob({ delayMs }));

it('a queue that nobody has used is empty, and counting makes nobody a member', async () => {
  await using scene = await openStore();
  expect(await scene.queue.counts()).toEqual(NONE);
  expect((await asOperator(url, admin => membersOf(admin, scene.topics.main)))?.size).toBe(0);
});

it('jobs that are finished ahead of one that runs do not count, here at once and elsewhere soon', async () => {
  await using working = await openStore({ settings: { partitions: 1 } });
  await using looking = await openStore({ name: working.name });
  await working.queue.enqueue(jobs(10), IN_TIME);
  const taken = (await reserve(working.queue, { max: 4 })).map(asJob);
  await working.queue.settle(
    taken.slice(1).map(({ receipt }) => ({ kind: 'ack', receipt })),
    IN_TIME,
  );
  expect(await working.queue.counts()).toEqual({ waiting: 6, delayed: 0, active: 1 });
  await vi.waitFor(async () => expect(await looking.queue.counts()).toEqual({ ...NONE, waiting: 7 }), SOON);
});

it('jobs that wait for their time count as delayed until they are due, wherever they are in their hops', async () => {
  await using working = await openStore({ settings: { delaySteps: [50, 100] } });
  await using looking = await openStore({ name: working.name, settings: { delaySteps: [50, 100] } });
  await looking.queue.enqueue([...jobs(3, 3_600_000), ...jobs(2)], IN_TIME);
  expect(await looking.queue.counts()).toEqual({ waiting: 2, delayed: 3, active: 0 });
  const taken = [...(await reserve(working.queue)), ...(await reserve(working.queue))].map(asJob);
  await working.queue.settle(
    taken.map(({ receipt }, index) =>
      index === 0 ? { kind: 'ack', receipt } : { kind: 'retry', receipt, delayMs: 3_600_000, note: '' },
    ),
    IN_TIME,
  );
  // A hop counts twice for a moment.
  await vi.waitFor(async () => expect(await working.queue.counts()).toEqual({ ...NONE, delayed: 4 }), SOON);
  await vi.waitFor(async () => expect(await looking.queue.counts()).toEqual({ ...NONE, delayed: 4 }), SOON);
});

it('what is no job counts until it is a dead letter', async () => {
  await using scene = await openStore();
  await sendByHand(url, scene.topics.main, [{ value: 'no job' }]);
  expect(await scene.queue.counts()).toEqual({ ...NONE, waiting: 1 });
  const [delivery] = await reserve(scene.queue);
  await scene.queue.settle([{ kind: 'dead', receipt: delivery?.receipt, note: '' }], IN_TIME);
  expect(await scene.queue.counts()).toEqual(NONE);
});

it('a queue that is done is empty for everybody, also when its records are gone and its worker is', async () => {
  await using looking = await openStore();
  const working = await openStore({ name: looking.name, pace: { trimEveryMs: 100 } });
  await working.queue.enqueue(jobs(5), IN_TIME);
  for (let n = 0; n < 5; n++) {
    const { receipt } = await takeOne(working.queue);
    await working.queue.settle([{ kind: 'ack', receipt }], IN_TIME);
  }
  expect(await working.queue.counts()).toEqual(NONE);
  await working.store.close(IN_TIME);
  expect(await looking.queue.counts()).toEqual(NONE);
});
