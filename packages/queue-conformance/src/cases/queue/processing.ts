import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { isQueueError } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const processingCases = queueCases([
  {
    id: 'processing/runs-and-completes',
    title: 'a job that was added is run once, with its id and payload, and is done when the handler resolves',
    rules: [9, 12],
    run: async ({ service, ledger, queueName, assertCount, timings }) => {
      const name = queueName();
      const queue = await (await service()).queues.getQueue(name);
      const log = ledger();
      queue.process(log.handler());
      const addedAt = Date.now();
      const id = await queue.add({ to: 'ada@example.com' });
      await log.ended(1);
      const { job, context } = log.runs[0]!;
      assert.deepEqual({ ...job }, { id, payload: { to: 'ada@example.com' }, attempt: 1 });
      assert.equal(context.queue, name);
      assert.equal(context.signal.aborted, false);
      assert.ok(Math.abs(context.enqueuedAt.getTime() - addedAt) < 60 * 60 * 1000);
      await assertCount(queue, 0, 'after the only job has run');
      await elapse(timings.quietMs);
      assert.equal(log.runs.length, 1);
    },
  },
  {
    id: 'processing/not-before-process',
    title: 'nothing runs before process is called; then all that was added before runs',
    rules: [8, 9],
    run: async ({ queue: freshQueue, ledger, assertCount, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      const ids = await queue.addBulk(Array.from({ length: 25 }, (_, n) => ({ payload: n })));
      await elapse(timings.quietMs);
      assert.equal(queue.health().state, 'idle');
      await assertCount(queue, ids.length, 'while nobody processes');
      queue.process(log.handler(), { concurrency: 5 });
      await log.ended(ids.length);
      assert.deepEqual(new Set(log.ids), new Set(ids));
      await assertCount(queue, 0, 'after all have run');
    },
  },
  {
    id: 'processing/one-handler',
    title: 'a second process without disconnect throws and changes nothing',
    rules: [9],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const [first, second] = [ledger(), ledger()];
      queue.process(first.handler());
      assert.throws(
        () => queue.process(second.handler()),
        (error: unknown) => isQueueError(error, 'invalid-state'),
      );
      await queue.add('for the first');
      await first.ended(1);
      assert.equal(second.runs.length, 0);
    },
  },
  {
    id: 'processing/options-out-of-range',
    title: 'options of process that are out of range throw at once',
    rules: [10],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const nonsense = [
        ...[0, -1, 1.5, Number.NaN, Infinity].map(concurrency => ({ concurrency })),
        ...[-1, 1.5, Number.NaN].map(prefetch => ({ prefetch })),
        ...[-1, 0, Number.NaN].map(timeout => ({ timeout })),
      ];
      for (const options of nonsense) {
        const [field] = Object.keys(options);
        assert.throws(
          () => queue.process(() => {}, options),
          (error: unknown) => isQueueError(error, 'invalid-argument') && error.field === field,
          `process accepts ${JSON.stringify(options)}`,
        );
      }
      const log = ledger();
      queue.process(log.handler());
      await queue.add('after all that');
      await log.ended(1);
    },
  },
  {
    id: 'processing/idle-then-at-once',
    title: 'an idle queue runs a new job at once, time after time',
    rules: [27],
    run: async ({ queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(log.handler());
      for (let n = 1; n <= 5; n++) {
        await queue.add(n);
        await log.ended(n, timings.wakeMs);
        await elapse(timings.quietMs / 3);
      }
      assert.deepEqual(log.payloads, [1, 2, 3, 4, 5]);
    },
  },
  {
    id: 'processing/in-bulk',
    title: 'addBulk answers with the ids in order, and every job runs',
    rules: [7],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      assert.deepEqual(await queue.addBulk([]), []);
      const ids = await queue.addBulk(Array.from({ length: 100 }, (_, n) => ({ payload: n })));
      assert.equal(new Set(ids).size, 100);
      const log = ledger();
      queue.process(log.handler(), { concurrency: 10 });
      await log.ended(100);
      for (const { job } of log.runs) assert.equal(job.id, ids[Number(job.payload)]);
      assert.equal(new Set(log.ids).size, 100);
    },
  },
  {
    id: 'processing/leaves-room-for-others',
    title: 'jobs that are quickly done and add the next one leave the process time for its timers and sockets',
    rules: [25, 27],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      let ticked = false;
      const timer = setTimeout(() => {
        ticked = true;
      }, 1);
      // Bounded, because a process whose timers never fire could not end this case either.
      const mostJobs = 20_000;
      const end = new Gate();
      queue.process(
        log.handler(async ({ payload }) => {
          if (ticked || payload === mostJobs) end.open();
          else await queue.add(payload + 1);
        }),
      );
      await queue.add(1);
      await end.passed;
      clearTimeout(timer);
      assert.ok(ticked, `${mostJobs} jobs ran, and a timer of 1 ms did not fire meanwhile`);
    },
  },
  {
    id: 'processing/delayed',
    title: 'a job with a delay runs when it is over, never before',
    rules: [5],
    run: async ({ queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(log.handler());
      const since = performance.now();
      await queue.add('later', { delay: timings.delayMs });
      await log.ended(1, timings.delayMs + timings.lateMs + timings.wakeMs);
      const elapsed = log.runs[0]!.startedAt - since;
      assert.ok(
        elapsed >= timings.delayMs - 3,
        `due after ${timings.delayMs} ms, it ran after ${elapsed.toFixed(1)} ms`,
      );
    },
  },
]);
