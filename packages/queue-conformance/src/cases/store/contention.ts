import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import type { StoreContext } from '../../store/store-context.ts';
import { asJob, type TrialQueue } from '../../store/trial-queue.ts';

/** Eight workers, spread over two processes where the store is shared, as many at once as it can use. */
async function workersOf(queue: TrialQueue, context: StoreContext): Promise<TrialQueue[]> {
  const other = await context.elsewhere(queue);
  const each = Math.min(4, context.capabilities.parallel.reserve);
  return Array.from({ length: 2 * each }, (_, n) => (n % 2 === 0 ? queue : other));
}

/** Workers reserve and acknowledge until every job of `expected` was handed out; none may come twice. */
async function runAll(
  workers: readonly TrialQueue[],
  expected: () => number,
  context: StoreContext,
): Promise<Set<string>> {
  const { wakeMs, slackMs } = context.timings;
  const seen = new Set<string>();
  const done = new AbortController();
  let progressAt = performance.now();
  const work = async (queue: TrialQueue) => {
    while (seen.size < expected()) {
      const max = Math.min(10, context.capabilities.maxBatch.reserve);
      const deliveries = (await queue.reserve({ max, waitMs: wakeMs, signal: done.signal })).map(asJob);
      for (const { id } of deliveries) {
        assert.ok(!seen.has(id), `job ${id} was handed out twice, although its lease had not ended`);
        seen.add(id);
      }
      if (deliveries.length > 0) progressAt = performance.now();
      const idleMs = performance.now() - progressAt;
      if (idleMs > 2 * wakeMs + slackMs) {
        assert.fail(`${seen.size} of ${expected()} jobs came, then none for ${Math.round(idleMs)} ms`);
      }
      await queue.ack(...deliveries);
      if (seen.size >= expected()) done.abort();
    }
  };
  await Promise.all(workers.map(work)).finally(() => done.abort());
  return seen;
}

export const contentionCases = storeCases([
  {
    id: 'contention/none-twice-none-lost',
    title: 'of thousands of jobs that eight workers fight for, none is leased twice and none is lost',
    rules: [7, 13],
    deadlineMs: 180_000,
    run: async context => {
      const queue = await context.open();
      const jobs = await queue.add(...Array.from({ length: context.load(2_000) }, (_, n) => ({ body: `${n}` })));
      const workers = await workersOf(queue, context);
      const seen = await runAll(workers, () => jobs.length, context);
      assert.deepEqual(seen, new Set(jobs.map(({ id }) => id)));
      await queue.assertCounts({}, 'after every job was acknowledged');
    },
  },
  {
    id: 'contention/adding-meanwhile',
    title: 'the same while producers add, delay and fail jobs',
    rules: [5, 7, 13, 17],
    deadlineMs: 180_000,
    run: async context => {
      const queue = await context.open();
      const other = await context.elsewhere(queue);
      const workers = await workersOf(queue, context);
      const count = context.load(400);
      const produce = async (producer: TrialQueue, share: number) => {
        const ids: string[] = [];
        while (ids.length < share) {
          const drafts = Array.from({ length: Math.min(5, share - ids.length) }, (_, n) => ({
            delayMs: n === 0 ? context.timings.delayMs : 0,
            priority: n,
          }));
          ids.push(...(await producer.add(...drafts)).map(({ id }) => id));
        }
        return ids;
      };
      const half = Math.floor(count / 2);
      const [seen, ...added] = await Promise.all([
        runAll(workers, () => count, context),
        produce(queue, half),
        produce(other, count - half),
      ]);
      assert.deepEqual(seen, new Set(added.flat()));
      await queue.assertCounts({}, 'after every job was acknowledged');
    },
  },
]);
