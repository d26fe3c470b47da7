import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { assertOk } from '../../store/outcomes.ts';
import { newJob } from '../../store/trial-queue.ts';

export const addingCases = storeCases([
  {
    id: 'adding/arrives-as-sent',
    title: 'a job arrives with its id, body, headers and priority, as attempt 1, with the time it was added',
    rules: [7],
    run: async ({ open }) => {
      const queue = await open();
      const [job] = await queue.add({ body: '{"to":"ada"}', headers: { trace: 'abc' }, priority: 7 });
      const { receipt: _, enqueuedAt, note, ...delivery } = await queue.takeOne();
      const { id, body, headers, priority } = job ?? newJob({});
      assert.deepEqual(
        { ...delivery, headers: { ...delivery.headers } },
        {
          kind: 'job',
          id,
          body,
          headers,
          priority,
          attempt: 1,
        },
      );
      assert.equal(note, undefined, 'nobody has left a note yet');
      const offBy = Math.abs(Date.now() - enqueuedAt);
      assert.ok(
        offBy < 60 * 60 * 1000,
        `enqueuedAt is ms since the epoch by the store's clock, but off by ${offBy} ms`,
      );
    },
  },
  {
    id: 'adding/acknowledged-is-gone',
    title: 'a job that was acknowledged is not handed out again, nor counted',
    rules: [12, 22],
    run: async ({ open, timings }) => {
      const queue = await open();
      await queue.add({});
      await queue.ack(await queue.takeOne({ leaseMs: timings.leaseMs }));
      await queue.assertCounts({}, 'after the ack');
      await queue.takeNothing('the only job is done', timings.leaseMs + timings.quietMs);
    },
  },
  {
    id: 'adding/own-copy',
    title: 'the store keeps its own copy: what the caller does to a job afterwards is not seen',
    rules: [4],
    run: async ({ open, timings }) => {
      const queue = await open();
      const headers: Record<string, string> = { kept: 'yes' };
      const job = { ...newJob({ body: '"as added"' }), headers };
      assertOk(await queue.enqueue([job]), 1, 'enqueue');
      headers['kept'] = 'no';
      headers['late'] = 'yes';
      Object.assign(job, { body: '"changed"', priority: -5 });

      const first = await queue.takeOne({ leaseMs: timings.longLeaseMs });
      assert.deepEqual({ ...first.headers }, { kept: 'yes' });
      assert.equal(first.body, '"as added"');
      assert.equal(first.priority, 20);
      Object.assign(first.headers, { kept: 'changed by a worker' });
      await queue.retry(first);
      assert.deepEqual({ ...(await queue.takeOne()).headers }, { kept: 'yes' });
    },
  },
  {
    id: 'adding/batch-order',
    title: 'a batch is answered entry by entry, and every job of many calls at once is stored',
    rules: [7],
    run: async ({ open, capabilities }) => {
      const queue = await open();
      const size = Math.min(capabilities.maxBatch.enqueue, 10);
      const calls = Math.min(capabilities.parallel.enqueue, 10);
      const batches = Array.from({ length: calls }, () => Array.from({ length: size }, () => newJob({})));
      const answers = await Promise.all(batches.map(batch => queue.enqueue(batch)));
      for (const outcomes of answers) assertOk(outcomes, size, 'enqueue');
      const taken = await queue.take(calls * size);
      assert.deepEqual(new Set(taken.map(({ id }) => id)), new Set(batches.flat().map(({ id }) => id)));
    },
  },
]);
