import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { storeCases } from '../../conformance-case.ts';
import { assertLeaseLost, assertOk, summary } from '../../store/outcomes.ts';
import type { StoreContext } from '../../store/store-context.ts';
import { undisturbed } from '../../undisturbed.ts';
import { assertPunctual } from '../../store/punctual.ts';

/** Holds a lease for three times its length, while somebody else waits for the job. */
async function keepExtending({ open, elsewhere, timings: { leaseMs } }: StoreContext): Promise<void> {
  const queue = await open();
  const other = await elsewhere(queue);
  await queue.add({});
  const held = await queue.takeOne({ leaseMs });
  const watching = new AbortController();
  const stolen = other.reserve({ waitMs: 4 * leaseMs, signal: watching.signal });
  try {
    for (const end = performance.now() + 3 * leaseMs; performance.now() < end;) {
      await elapse(leaseMs / 4);
      assertOk(await queue.extend([held.receipt], leaseMs), 1, 'extend');
    }
  } finally {
    watching.abort();
  }
  assert.deepEqual(await stolen, [], 'somebody else got the job although its lease was extended in time');
  await queue.ack(held);
  await queue.assertCounts({}, 'after the ack');
}

export const leaseCases = storeCases([
  {
    id: 'leases/hold',
    title: 'a leased job is not handed out to anybody else',
    rules: [13],
    run: async ({ open, elsewhere }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      await queue.add({}, {});
      const first = await queue.takeOne();
      const second = await other.takeOne();
      assert.notEqual(first.id, second.id);
      await queue.takeNothing('both jobs are leased');
      await other.takeNothing('both jobs are leased');
      await queue.ack(first);
      await other.ack(second);
    },
  },
  {
    id: 'leases/expiry-redelivers',
    title: 'a job whose worker fell silent comes back when its lease ends, not before',
    rules: [13, 26],
    run: async ({ open, elsewhere, timings: { leaseMs, leaseEndMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const [job] = await queue.add({ body: '"again"' });
      const since = performance.now();
      await queue.takeOne({ leaseMs });
      const again = await other.takeOne({ withinMs: leaseEndMs });
      assertPunctual('the end of the lease', since, leaseMs, leaseEndMs - leaseMs);
      assert.deepEqual({ id: again.id, body: again.body }, { id: job?.id, body: '"again"' });
      await other.ack(again);
      await other.assertCounts({}, 'after the second worker is done');
    },
  },
  {
    id: 'leases/extend-keeps',
    title: 'a lease that is extended again and again outlasts its first length many times',
    rules: [13],
    run: context => undisturbed(context.timings.leaseMs / 5, () => keepExtending(context)),
  },
  {
    id: 'leases/extend-is-from-now',
    title: 'extend makes the lease last so long from now: a long lease can be cut short',
    rules: [13],
    run: async ({ open, timings: { leaseMs, leaseEndMs } }) => {
      const queue = await open();
      await queue.add({});
      const held = await queue.takeOne();
      const since = performance.now();
      assertOk(await queue.extend([held.receipt], leaseMs), 1, 'extend');
      await queue.takeOne({ withinMs: leaseEndMs });
      assertPunctual('the end of the lease', since, leaseMs, leaseEndMs - leaseMs);
    },
  },
  {
    id: 'leases/extend-per-receipt',
    title: 'extend answers receipt by receipt: one that is over does not spoil the others',
    rules: [13, 15],
    run: async ({ open, timings: { longDelayMs } }) => {
      const queue = await open();
      await queue.add({}, {}, {});
      const [a, b, c] = await queue.take(3);
      await queue.retry(b!, longDelayMs);
      const outcomes = await queue.extend([a!.receipt, b!.receipt, c!.receipt], 30_000);
      assert.deepEqual(summary(outcomes), ['ok', 'lease-lost', 'ok']);
      await queue.ack(a!, c!);
    },
  },
  {
    id: 'leases/extend-too-late',
    title: 'a lease that another worker has taken over cannot be extended',
    rules: [15],
    run: async ({ open, elsewhere, timings: { leaseMs, leaseEndMs, longLeaseMs } }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      await queue.add({});
      const lost = await queue.takeOne({ leaseMs });
      const held = await other.takeOne({ leaseMs, withinMs: leaseEndMs });
      assertLeaseLost(await queue.extend([lost.receipt], longLeaseMs), 1, 'extend with a stale receipt');
      // Had it worked after all, the second worker's short lease would now be a long one.
      const third = await queue.takeOne({ withinMs: leaseEndMs });
      assert.equal(third.id, held.id);
    },
  },
  {
    id: 'leases/job-scope',
    title: 'where leases cover single jobs, a silent worker holds up no other job',
    rules: [13],
    requires: ({ leaseScope }) => leaseScope === 'job' || 'a lease covers a whole partition',
    run: async ({ open, elsewhere }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const jobs = await queue.add(...Array.from({ length: 10 }, () => ({})));
      const silent = await queue.takeOne();
      const rest = await other.take(jobs.length - 1);
      assert.ok(!rest.some(({ id }) => id === silent.id));
      await other.ack(...rest);
      await other.assertCounts({ active: 1 }, 'while one worker is silent');
    },
  },
]);
