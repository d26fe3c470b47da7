import assert from 'node:assert/strict';
import type { Receipt, Settlement } from '@switchyard/queue-api';
import { type StoreCase, storeCases } from '../../conformance-case.ts';
import { assertLeaseLost, assertOk, summary } from '../../store/outcomes.ts';

const STALE: readonly { readonly kind: Settlement['kind']; readonly settle: (receipt: Receipt) => Settlement }[] = [
  { kind: 'ack', settle: receipt => ({ kind: 'ack', receipt }) },
  { kind: 'retry', settle: receipt => ({ kind: 'retry', receipt, delayMs: 0, note: 'stale' }) },
  { kind: 'release', settle: receipt => ({ kind: 'release', receipt }) },
  { kind: 'dead', settle: receipt => ({ kind: 'dead', receipt, note: 'stale' }) },
];

/** A worker that lost its lease to another one comes back and says `kind`. */
function staleCase({ kind, settle }: (typeof STALE)[number]): Omit<StoreCase, 'level'> {
  return {
    id: `fencing/stale-${kind}`,
    title: `a worker that lost its lease cannot ${kind} the job any more: lease-lost, and nothing changes`,
    rules: [15],
    run: async ({ open, elsewhere, timings: { leaseMs, leaseEndMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      await queue.add({});
      const lost = await queue.takeOne({ leaseMs });
      const held = await other.takeOne({ withinMs: leaseEndMs });
      const deadBefore = (await other.counts()).dead;

      assertLeaseLost(await queue.settle([settle(lost.receipt)]), 1, `a stale ${kind}`);
      await other.assertCounts({ active: 1 }, `after a stale ${kind}`);
      assert.equal((await other.counts()).dead, deadBefore, 'dead letters');
      await other.takeNothing('the second worker holds the job');
      assertOk(await other.extend([held.receipt], 30_000), 1, 'extend of the second worker');
      await other.ack(held);
      await other.assertCounts({}, 'after the second worker is done');
    },
  };
}

export const fencingCases = storeCases([
  ...STALE.map(staleCase),
  {
    id: 'fencing/receipt-ends-with-its-settlement',
    title: 'a receipt is used up by its settlement: the job that waits for its retry cannot be settled with it',
    rules: [15, 16],
    run: async ({ open, timings: { longDelayMs } }) => {
      const queue = await open();
      await queue.add({});
      const failed = await queue.takeOne();
      await queue.retry(failed, longDelayMs);
      assertLeaseLost(await queue.settle([{ kind: 'ack', receipt: failed.receipt }]), 1, 'ack after retry');
      assertLeaseLost(await queue.extend([failed.receipt], 1_000), 1, 'extend after retry');
      await queue.assertCounts({ delayed: 1 }, 'while the job waits for its retry');
    },
  },
  {
    id: 'fencing/receipt-of-an-earlier-hand-out',
    title: 'every hand-out has a receipt of its own: the one before a retry or a release does not work after it',
    rules: [15],
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      const first = await queue.takeOne();
      await queue.retry(first);
      const second = await queue.takeOne();
      assertLeaseLost(await queue.settle([{ kind: 'ack', receipt: first.receipt }]), 1, 'the receipt before the retry');
      await queue.release(second);
      const third = await queue.takeOne();
      assertLeaseLost(await queue.settle([{ kind: 'ack', receipt: second.receipt }]), 1, 'the one before the release');
      await queue.ack(third);
      await queue.assertCounts({}, 'after the ack');
    },
  },
  {
    id: 'fencing/beside-the-next-hand-out',
    title: 'a stale receipt and the one that followed it, of the same job in the same call, are told apart',
    rules: [15],
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      const first = await queue.takeOne();
      await queue.release(first);
      const second = await queue.takeOne();
      const extended = await queue.extend([first.receipt, second.receipt], 30_000);
      assert.deepEqual(summary(extended), ['lease-lost', 'ok'], 'extend');
      const acks = [first, second].map(({ receipt }) => ({ kind: 'ack', receipt }) as const);
      assert.deepEqual(summary(await queue.settle(acks)), ['lease-lost', 'ok'], 'ack');
      await queue.assertCounts({}, 'after the ack');
    },
  },
  {
    id: 'fencing/acknowledged-twice',
    title: 'an ack that is repeated because its answer was lost does no harm',
    rules: [16],
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({}, {});
      const [done, running] = await queue.take(2);
      await queue.ack(done!);
      const [again] = summary(await queue.settle([{ kind: 'ack', receipt: done!.receipt }]));
      assert.ok(again === 'ok' || again === 'lease-lost', `a repeated ack answers ${again}`);
      await queue.ack(running!);
      await queue.assertCounts({}, 'after both are done');
    },
  },
]);
