import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { storeCases } from '../../conformance-case.ts';

export const countCases = storeCases([
  {
    id: 'counts/every-state',
    title: 'waiting, delayed and active jobs are counted as what they are, retries as delayed until due, dead ones not',
    rules: [22],
    run: async ({ open, timings: { longDelayMs } }) => {
      const queue = await open();
      await queue.assertCounts({}, 'of an empty queue');
      await queue.add({}, {}, {}, {}, {}, { delayMs: longDelayMs }, { delayMs: longDelayMs });
      await queue.assertCounts({ waiting: 5, delayed: 2 }, 'after adding five, and two with a delay');
      const [acked, retried, buried, running] = await queue.take(4);
      await queue.assertCounts({ waiting: 1, delayed: 2, active: 4 }, 'with four leased');
      await queue.ack(acked!);
      await queue.assertCounts({ waiting: 1, delayed: 2, active: 3 }, 'after an ack');
      await queue.retry(retried!, longDelayMs);
      await queue.assertCounts({ waiting: 1, delayed: 3, active: 2 }, 'after a retry with a delay');
      await queue.bury(buried!);
      await queue.assertCounts({ waiting: 1, delayed: 3, active: 1 }, 'after a dead one');
      await queue.retry(running!);
      await queue.assertCounts({ waiting: 2, delayed: 3 }, 'after a retry at once');
    },
  },
  {
    id: 'counts/due-is-waiting',
    title: 'a delayed job counts as waiting once it is due, though nobody has asked for it',
    rules: [22],
    requires: ({ counts }) => counts === 'exact' || 'the counts are approximate',
    run: async ({ open, timings: { delayMs }, capabilities: { delayResolutionMs } }) => {
      const queue = await open();
      await queue.add({ delayMs });
      await elapse(delayMs + delayResolutionMs + 50);
      await queue.assertCounts({ waiting: 1 }, 'after the delay');
    },
  },
  {
    id: 'counts/expired-is-waiting',
    title: 'a job whose lease has ended counts as waiting, though nobody has asked for it',
    rules: [13, 22],
    requires: ({ counts }) => counts === 'exact' || 'the counts are approximate',
    run: async ({ open, timings: { leaseMs }, capabilities: { leaseResolutionMs } }) => {
      const queue = await open();
      await queue.add({});
      await queue.takeOne({ leaseMs });
      await elapse(leaseMs + leaseResolutionMs + 50);
      await queue.assertCounts({ waiting: 1 }, 'after the lease');
    },
  },
  {
    id: 'counts/seen-by-all',
    title: 'another process counts the same jobs',
    rules: [22],
    requires: ({ shared }) => shared || 'the store is not shared',
    run: async ({ open, elsewhere, timings: { longDelayMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      await queue.add({}, {}, {}, { delayMs: longDelayMs });
      await queue.takeOne();
      await other.assertCounts({ waiting: 2, delayed: 1, active: 1 }, 'in the other process');
    },
  },
  {
    id: 'counts/never-zero-for-an-error',
    title: 'on a closed connection the count is an error or the truth, never 0',
    rules: [22],
    run: async ({ open, store, closeStore, within, timings: { callMs, slackMs } }) => {
      const queue = await open();
      await queue.add({}, {}, {});
      await queue.assertCounts({ waiting: 3 }, 'before the connection is closed');
      await closeStore(store);
      const asked = queue.raw.counts().catch(() => 'an error' as const);
      const answer = await within('counts on a closed connection to settle', callMs + slackMs, asked);
      if (answer !== 'an error') assert.equal(answer.waiting + answer.delayed + answer.active, 3);
    },
  },
]);
