import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { NotApplicable } from '../../not-applicable.ts';

export const deadLetterCases = storeCases([
  {
    id: 'dead-letters/stay-dead',
    title: 'a dead job is neither handed out again nor counted',
    rules: [18, 22],
    run: async ({ open, elsewhere, timings: { leaseMs, quietMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      await queue.add({}, {});
      const [first, second] = await queue.take(2, { leaseMs });
      await queue.bury(first!, 'x'.repeat(8 * 1024));
      await queue.ack(second!);
      await queue.assertCounts({}, 'after one job is done and one is dead');
      await queue.takeNothing('the job is dead, and its lease has ended', leaseMs + quietMs);
      await other.takeNothing('the job is dead');
    },
  },
  {
    id: 'dead-letters/are-counted-apart',
    title: 'where the store counts dead letters, each adds one to dead and none to the others',
    rules: [18, 22],
    run: async ({ open }) => {
      const queue = await open();
      const before = await queue.counts();
      if (before.dead === undefined) throw new NotApplicable('the store does not count its dead letters');
      await queue.add({}, {}, {});
      for (const delivery of await queue.take(2)) await queue.bury(delivery);
      assert.equal((await queue.counts()).dead, before.dead + 2);
      await queue.assertCounts({ waiting: 1 }, 'after two of three jobs are dead');
    },
  },
]);
