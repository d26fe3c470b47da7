import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { assertPunctual } from '../../store/punctual.ts';

export const delayCases = storeCases([
  {
    id: 'delays/never-early',
    title: 'a delayed job comes when its delay is over: never early, and late by no more than the declared resolution',
    rules: [5, 26],
    run: async ({ open, capabilities: { delayResolutionMs }, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      // Just under a step of the store's clock, and just over: what rounding down would turn into "now" or "too early".
      const delays = [delayMs, Math.ceil(0.9 * delayResolutionMs), Math.ceil(1.1 * delayResolutionMs), 2 * delayMs];
      const sent = new Map<string, { since: number; delay: number }>();
      for (const delay of delays) {
        const since = performance.now();
        const [job] = await queue.add({ delayMs: delay });
        sent.set(job?.id ?? '', { since, delay });
      }
      for (let came = 0; came < delays.length; came++) {
        const { id } = await queue.takeOne({ withinMs: 2 * delayMs + lateMs });
        const { since, delay } = sent.get(id) ?? { since: 0, delay: 0 };
        assertPunctual(`the job delayed by ${delay} ms`, since, delay, lateMs);
      }
    },
  },
  {
    id: 'delays/do-not-block',
    title: 'a delayed job holds nobody up, whatever its priority',
    rules: [5, 11],
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({ delayMs: 60_000, priority: -1_000 }, { delayMs: 30_000 });
      const [ready] = await queue.add({});
      assert.equal((await queue.takeOne()).id, ready?.id);
      await queue.takeNothing('the other two are delayed');
    },
  },
  {
    id: 'delays/run-once',
    title: 'a job that was delayed is handed out once',
    rules: [5, 7],
    run: async ({ open, elsewhere, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const jobs = await queue.add(...Array.from({ length: 10 }, () => ({ delayMs })));
      const half = jobs.length / 2;
      const taken = await Promise.all([
        queue.take(half, { withinMs: delayMs + lateMs }),
        other.take(half, { withinMs: delayMs + lateMs }),
      ]);
      assert.deepEqual(new Set(taken.flat().map(({ id }) => id)), new Set(jobs.map(({ id }) => id)));
      await queue.takeNothing('all of them are leased');
    },
  },
]);
