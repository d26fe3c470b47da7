import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { assertPunctual } from '../../store/punctual.ts';

export const retryCases = storeCases([
  {
    id: 'retries/after-their-delay',
    title: 'a retry comes back when its delay is over, never early, as the next attempt',
    rules: [17],
    run: async ({ open, elsewhere, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const [job] = await queue.add({ body: '"again"', priority: 3 });
      const failed = await queue.takeOne();
      const since = performance.now();
      await queue.retry(failed, delayMs);
      const again = await other.takeOne({ withinMs: delayMs + lateMs });
      assertPunctual('the retry', since, delayMs, lateMs);
      const { id, body, priority, attempt } = again;
      assert.deepEqual({ id, body, priority, attempt }, { id: job?.id, body: '"again"', priority: 3, attempt: 2 });
    },
  },
  {
    id: 'retries/count',
    title: 'every retry counts one attempt, and the job stays one job',
    rules: [14, 17],
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      for (let attempt = 1; attempt <= 6; attempt++) {
        const delivery = await queue.takeOne();
        assert.equal(delivery.attempt, attempt);
        await queue.retry(delivery);
      }
      await queue.assertCounts({ waiting: 1 }, 'after six failures');
    },
  },
  {
    id: 'retries/do-not-block',
    title: 'a job that waits for its retry holds up no other job',
    rules: [13, 17],
    run: async ({ open, timings: { longDelayMs } }) => {
      const queue = await open();
      const jobs = await queue.add(...Array.from({ length: 5 }, () => ({})));
      const failed = await queue.takeOne();
      await queue.retry(failed, longDelayMs);
      const rest = await queue.take(jobs.length - 1);
      assert.ok(!rest.some(({ id }) => id === failed.id));
      await queue.takeNothing('the fifth waits for its retry');
    },
  },
]);
