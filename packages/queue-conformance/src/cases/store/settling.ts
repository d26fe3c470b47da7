import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { summary } from '../../store/outcomes.ts';

export const settlingCases = storeCases([
  {
    id: 'settling/per-entry',
    title: 'a batch of settlements is carried out and answered entry by entry: a stale one spoils none of the others',
    rules: [15, 17, 18],
    requires: ({ maxBatch }) => maxBatch.settle >= 5 || 'batches are smaller than five',
    run: async ({ open, timings: { longDelayMs } }) => {
      const queue = await open();
      await queue.add(...Array.from({ length: 5 }, () => ({})));
      const [acked, stale, retried, released, buried] = await queue.take(5);
      await queue.bury(stale!);
      const outcomes = await queue.settle([
        { kind: 'ack', receipt: acked!.receipt },
        { kind: 'ack', receipt: stale!.receipt },
        { kind: 'retry', receipt: retried!.receipt, delayMs: longDelayMs, note: 'later' },
        { kind: 'release', receipt: released!.receipt },
        { kind: 'dead', receipt: buried!.receipt, note: 'over' },
      ]);
      assert.deepEqual(summary(outcomes), ['ok', 'lease-lost', 'ok', 'ok', 'ok']);
      await queue.assertCounts({ waiting: 1, delayed: 1 }, 'after the batch');
      assert.equal((await queue.takeOne()).id, released!.id);
      await queue.takeNothing('the others are done, dead or delayed');
    },
  },
]);
