import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import type { Delivery } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';
import type { StoreContext } from '../../store/store-context.ts';
import { asJob, type TrialQueue } from '../../store/trial-queue.ts';

/** A `reserve` that would wait for much longer than anything here takes, and has got as far as waiting. */
async function startWaiting(
  queue: TrialQueue,
  { timings: { wakeMs, quietMs } }: StoreContext,
  signal?: AbortSignal,
): Promise<{ answer: Promise<readonly Delivery[]> }> {
  const answer = queue.reserve({ max: 1, waitMs: 5 * wakeMs, ...(signal && { signal }) });
  answer.catch(() => {});
  await elapse(quietMs / 2);
  return { answer };
}

/** Asserts that a waiting `reserve` has answered with one job in the time it takes to wake up, plus `dueMs`. */
async function assertWoken(answer: Promise<readonly Delivery[]>, context: StoreContext, why: string, dueMs = 0) {
  const { wakeMs } = context.timings;
  const deliveries = await context.within(`the waiting reserve to answer: ${why}`, dueMs + wakeMs, answer);
  assert.equal(deliveries.length, 1, `the waiting reserve answered without a job: ${why}`);
  return asJob(deliveries[0]!);
}

export const waitingCases = storeCases([
  {
    id: 'waiting/not-at-all',
    title: 'a reserve that may not wait answers an empty queue at once',
    rules: [27],
    run: async ({ open, within, timings: { slackMs } }) => {
      const queue = await open();
      const deliveries = await within('reserve with waitMs 0 to answer', slackMs, queue.reserve({ waitMs: 0 }));
      assert.deepEqual(deliveries, []);
    },
  },
  {
    id: 'waiting/until-its-end',
    title: 'a reserve that may wait does so, and then answers an empty list: it neither spins nor overruns',
    rules: [27],
    run: async ({ open, within, timings: { delayMs, slackMs } }) => {
      const queue = await open();
      const waitMs = 2 * delayMs;
      const since = performance.now();
      const deliveries = await within('reserve to stop waiting', waitMs + slackMs, queue.reserve({ waitMs }));
      assert.deepEqual(deliveries, []);
      const waited = performance.now() - since;
      assert.ok(waited >= waitMs / 2, `reserve may wait ${waitMs} ms and gave up after ${Math.round(waited)} ms`);
    },
  },
  {
    id: 'waiting/wakes-for-a-new-job',
    title: 'a waiting reserve answers as soon as there is one job, and does not wait for more',
    rules: [27],
    run: async context => {
      const queue = await context.open();
      const other = await context.elsewhere(queue);
      const { answer } = await startWaiting(queue, context);
      const [job] = await other.add({});
      assert.equal((await assertWoken(answer, context, 'a job was added')).id, job?.id);

      const many = queue.reserve({
        max: Math.min(10, context.capabilities.maxBatch.reserve),
        waitMs: 5 * context.timings.wakeMs,
      });
      await other.add({});
      await assertWoken(many, context, 'one job of ten was added');
    },
  },
  {
    id: 'waiting/wakes-for-a-due-job',
    title: 'a waiting reserve answers when a delayed job becomes due',
    rules: [5, 27],
    run: async context => {
      const queue = await context.open();
      const { answer } = await startWaiting(queue, context);
      await queue.add({ delayMs: context.timings.delayMs });
      await assertWoken(answer, context, 'a delayed job is due', context.timings.delayMs + context.timings.lateMs);
    },
  },
  {
    id: 'waiting/wakes-for-a-returned-job',
    title: 'a waiting reserve answers when a job is handed back or its retry is due',
    rules: [17, 21, 27],
    run: async context => {
      const queue = await context.open();
      const other = await context.elsewhere(queue);
      await other.add({});
      const released = await other.takeOne();
      const first = await startWaiting(queue, context);
      await other.release(released);
      const again = await assertWoken(first.answer, context, 'a job was handed back');

      const second = await startWaiting(other, context);
      await queue.retry(again, context.timings.delayMs);
      await assertWoken(second.answer, context, 'a retry is due', context.timings.delayMs + context.timings.lateMs);
    },
  },
  {
    id: 'waiting/wakes-for-an-ended-lease',
    title: 'a waiting reserve answers when the lease of another worker ends',
    rules: [13, 27],
    run: async context => {
      const queue = await context.open();
      const other = await context.elsewhere(queue);
      await queue.add({});
      await queue.takeOne({ leaseMs: context.timings.leaseMs });
      const { answer } = await startWaiting(other, context);
      await assertWoken(answer, context, 'the lease has ended', context.timings.leaseEndMs);
    },
  },
  {
    id: 'waiting/one-job-each',
    title: 'two that wait get one job each',
    rules: [13, 27],
    requires: ({ parallel, shared }) => shared || parallel.reserve >= 2 || 'one reserve at a time',
    run: async context => {
      const queue = await context.open();
      const other = await context.elsewhere(queue);
      const waiting = [await startWaiting(queue, context), await startWaiting(other, context)];
      const jobs = await queue.add({}, {});
      const woken = await Promise.all(waiting.map(({ answer }) => assertWoken(answer, context, 'two jobs were added')));
      assert.deepEqual(new Set(woken.map(({ id }) => id)), new Set(jobs.map(({ id }) => id)));
    },
  },
  {
    id: 'waiting/abort',
    title: 'a waiting reserve resolves when its signal aborts, and one that comes too late does not begin to wait',
    rules: [21, 23],
    run: async context => {
      const { open, within, timings } = context;
      const queue = await open();
      const abort = new AbortController();
      const { answer } = await startWaiting(queue, context, abort.signal);
      abort.abort(new Error('the engine stops picking up'));
      assert.deepEqual(await within('a waiting reserve to resolve after its signal', timings.abortMs, answer), []);

      const aborted = queue.reserve({ waitMs: 5 * timings.wakeMs, signal: abort.signal });
      assert.deepEqual(await within('a reserve with an aborted signal to resolve', timings.abortMs, aborted), []);
    },
  },
  {
    id: 'waiting/abort-strands-nothing',
    title: 'a job that arrives while a reserve is being aborted is handed out there or to the next, never lost',
    rules: [21, 23],
    deadlineMs: 60_000,
    run: async context => {
      const queue = await context.open();
      const other = await context.elsewhere(queue);
      for (let round = 0; round < 12; round++) {
        const abort = new AbortController();
        const { answer } = await startWaiting(queue, context, abort.signal);
        const adding = round % 3 === 0 ? undefined : other.add({ body: `${round}` });
        if (round % 3 === 2) await adding;
        abort.abort();
        await (adding ?? other.add({ body: `${round}` }));
        const inTime = await answer;
        const [delivery = await other.takeOne()] = inTime;
        assert.equal(asJob(delivery).body, `${round}`);
        await (inTime.length > 0 ? queue : other).ack(delivery);
      }
      await queue.assertCounts({}, 'after every round is done');
    },
  },
]);
