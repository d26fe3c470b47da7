import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { assertPunctual } from '../../store/punctual.ts';

export const releaseCases = storeCases([
  {
    id: 'releases/are-free',
    title: 'where releases are free, a job that was handed back has used no attempt',
    rules: [14],
    requires: ({ freeRelease }) => freeRelease || 'a release counts as an attempt',
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      await queue.retry(await queue.takeOne());
      for (let release = 0; release < 3; release++) {
        const delivery = await queue.takeOne();
        assert.equal(delivery.attempt, 2);
        await queue.release(delivery);
      }
    },
  },
  {
    id: 'releases/are-counted',
    title: 'where releases are not free, a job that was handed back has used an attempt',
    rules: [14],
    requires: ({ freeRelease }) => !freeRelease || 'a release is free',
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      await queue.release(await queue.takeOne());
      const { attempt } = await queue.takeOne();
      assert.equal(attempt, 2, 'a store whose releases are free declares freeRelease: true');
    },
  },
  {
    id: 'releases/at-once',
    title: 'a job that was handed back is there for the next worker at once',
    rules: [14, 21],
    run: async ({ open, elsewhere }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const [job] = await queue.add({});
      await queue.release(await queue.takeOne());
      await queue.assertCounts({ waiting: 1 }, 'after a release');
      assert.equal((await other.takeOne()).id, job?.id);
    },
  },
  {
    id: 'releases/after-their-delay',
    title: 'a job that was handed back with a delay comes back when that is over, never early',
    rules: [14],
    run: async ({ open, timings: { delayMs, lateMs } }) => {
      const queue = await open();
      await queue.add({});
      const delivery = await queue.takeOne();
      const since = performance.now();
      await queue.release(delivery, { delayMs });
      await queue.takeOne({ withinMs: delayMs + lateMs });
      assertPunctual('the released job', since, delayMs, lateMs);
    },
  },
]);
