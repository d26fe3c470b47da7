import assert from 'node:assert/strict';
import type { JobDelivery } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';
import { assertOk } from '../../store/outcomes.ts';
import { assertPunctual } from '../../store/punctual.ts';
import { newJob, type TrialQueue } from '../../store/trial-queue.ts';

const FIRST = { body: '"first"' };
const SECOND = { body: '"second"', priority: 1 };

/** Asserts that `delivery` is the job as first added, and that the queue holds no other. */
async function assertOnlyFirst(queue: TrialQueue, delivery: JobDelivery, id: string): Promise<void> {
  assert.deepEqual(
    { id: delivery.id, body: delivery.body, priority: delivery.priority },
    { id, ...FIRST, priority: 20 },
  );
  await queue.ack(delivery);
  await queue.takeNothing('the id was added twice but is one job');
  await queue.assertCounts({}, 'after the only job is done');
}

const KNOWS_IDS = ({ knowsIds }: { knowsIds: boolean }) => knowsIds || 'the store does not know the ids it has';

export const sameIdCases = storeCases([
  {
    id: 'same-id/waiting',
    title: 'adding the id of a waiting job again is ok and changes nothing',
    rules: [7],
    requires: KNOWS_IDS,
    run: async ({ open }) => {
      const queue = await open();
      const { id } = newJob({});
      await queue.add({ id, ...FIRST });
      await queue.add({ id, ...SECOND });
      await queue.assertCounts({ waiting: 1 }, 'after adding one id twice');
      await assertOnlyFirst(queue, await queue.takeOne(), id);
    },
  },
  {
    id: 'same-id/delayed',
    title: 'adding the id of a delayed job again does not bring it forward',
    rules: [5, 7],
    requires: KNOWS_IDS,
    run: async ({ open, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      const { id } = newJob({});
      const since = performance.now();
      await queue.add({ id, ...FIRST, delayMs });
      await queue.add({ id, ...SECOND });
      const delivery = await queue.takeOne({ withinMs: delayMs + lateMs });
      assertPunctual('the delayed job', since, delayMs, lateMs);
      await assertOnlyFirst(queue, delivery, id);
    },
  },
  {
    id: 'same-id/active',
    title: 'adding the id of a running job again neither runs it twice nor takes its lease',
    rules: [7],
    requires: KNOWS_IDS,
    run: async ({ open }) => {
      const queue = await open();
      const { id } = newJob({});
      await queue.add({ id, ...FIRST });
      const running = await queue.takeOne();
      await queue.add({ id, ...SECOND });
      await queue.takeNothing('the job is leased');
      await assertOnlyFirst(queue, running, id);
    },
  },
  {
    id: 'same-id/retrying',
    title: 'adding the id of a job that waits for its retry does not bring it forward',
    rules: [7, 17],
    requires: KNOWS_IDS,
    run: async ({ open, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      const { id } = newJob({});
      await queue.add({ id, ...FIRST });
      const failed = await queue.takeOne();
      const since = performance.now();
      await queue.retry(failed, delayMs);
      await queue.add({ id, ...SECOND });
      const delivery = await queue.takeOne({ withinMs: delayMs + lateMs });
      assertPunctual('the retried job', since, delayMs, lateMs);
      await assertOnlyFirst(queue, delivery, id);
    },
  },
  {
    id: 'same-id/in-one-batch',
    title: 'an id that is twice in one batch is one job, and ok twice',
    rules: [7],
    requires: ({ maxBatch }) => maxBatch.enqueue >= 2 || 'batches have one entry',
    run: async ({ open }) => {
      const queue = await open();
      const { id } = newJob({});
      assertOk(await queue.enqueue([newJob({ id, ...FIRST }), newJob({ id, ...SECOND })]), 2, 'enqueue');
      await assertOnlyFirst(queue, await queue.takeOne(), id);
    },
  },
  {
    id: 'same-id/concurrently',
    title: 'an id that is added many times at once, also by several processes, is one job',
    rules: [7],
    requires: KNOWS_IDS,
    run: async ({ open, elsewhere }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const jobs = Array.from({ length: 5 }, () => newJob(FIRST));
      await Promise.all([queue, other, queue, other].map(producer => producer.add(...jobs)));
      const taken = await queue.take(jobs.length);
      assert.deepEqual(new Set(taken.map(({ id }) => id)), new Set(jobs.map(({ id }) => id)));
      await queue.takeNothing('every id was handed out');
    },
  },
  {
    id: 'same-id/unknown',
    title: 'where the store does not know its ids, an id that is added again is a second job, settled on its own',
    rules: [7],
    requires: ({ knowsIds }) => !knowsIds || 'the store knows the ids it has',
    run: async ({ open }) => {
      const queue = await open();
      const { id } = newJob({});
      await queue.add({ id, ...FIRST });
      await queue.add({ id, ...FIRST });
      const [first, second] = await queue.take(2);
      assert.deepEqual([first?.id, second?.id], [id, id], 'a store that stores an id once declares knowsIds: true');
      await queue.ack(first as JobDelivery);
      await queue.retry(second as JobDelivery, 0);
      await queue.ack(await queue.takeOne());
      await queue.assertCounts({}, 'after both are done');
    },
  },
]);
