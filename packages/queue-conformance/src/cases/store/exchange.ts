import assert from 'node:assert/strict';
import type { ExchangeResult, Settlement } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';
import { NotApplicable } from '../../not-applicable.ts';
import type { StoreContext } from '../../store/store-context.ts';
import { assertOk, summary } from '../../store/outcomes.ts';
import { asJob, type TrialQueue } from '../../store/trial-queue.ts';

/** One call of `exchange`, with the checks that hold for every one. */
async function exchange(
  queue: TrialQueue,
  { within, timings }: StoreContext,
  settlements: readonly Settlement[],
  max: number,
): Promise<ExchangeResult> {
  if (queue.raw.exchange === undefined) throw new NotApplicable('the store has no exchange');
  const { longLeaseMs: leaseMs, callMs: timeoutMs, slackMs } = timings;
  const answer = queue.raw.exchange(settlements, { max, leaseMs, timeoutMs });
  const result = await within('exchange to answer', timeoutMs + slackMs, answer);
  assert.equal(result.outcomes.length, settlements.length, 'one outcome per entry');
  assert.ok(result.deliveries.length <= max, `exchange was asked for ${max} and gave ${result.deliveries.length}`);
  return result;
}

export const exchangeCases = storeCases([
  {
    id: 'exchange/settles-and-leases',
    title: 'exchange settles as settle does and hands out as reserve does, in one call',
    rules: [10, 15],
    requires: ({ maxBatch }) => maxBatch.settle >= 5 || 'batches are smaller than five',
    run: async context => {
      const queue = await context.open();
      await queue.add(...Array.from({ length: 8 }, () => ({})));
      const [acked, stale, retried, released, buried] = await queue.take(5);
      await queue.retry(stale!, context.timings.longDelayMs);
      const settlements: Settlement[] = [
        { kind: 'ack', receipt: acked!.receipt },
        { kind: 'ack', receipt: stale!.receipt },
        { kind: 'retry', receipt: retried!.receipt, delayMs: context.timings.longDelayMs, note: 'later' },
        { kind: 'release', receipt: released!.receipt },
        { kind: 'dead', receipt: buried!.receipt, note: 'over' },
      ];
      const { outcomes, deliveries } = await exchange(queue, context, settlements, 1);
      assert.deepEqual(summary(outcomes), ['ok', 'lease-lost', 'ok', 'ok', 'ok']);
      const rest = await queue.take(4 - deliveries.length);
      const ids = [...deliveries.map(asJob), ...rest].map(({ id }) => id);
      assert.equal(new Set(ids).size, 4, 'the released job and the three that were waiting, each once');
      assert.ok(ids.includes(released!.id));
      await queue.assertCounts({ active: 4, delayed: 2 }, 'after the exchange');
    },
  },
  {
    id: 'exchange/never-waits',
    title: 'exchange with an empty queue answers at once',
    rules: [10],
    run: async context => {
      const queue = await context.open();
      await queue.add({});
      const delivery = await queue.takeOne();
      const answer = exchange(queue, context, [{ kind: 'ack', receipt: delivery.receipt }], 1);
      const { outcomes, deliveries } = await context.within('exchange not to wait', context.timings.slackMs, answer);
      assertOk(outcomes, 1, 'exchange');
      assert.deepEqual(deliveries, []);
    },
  },
  {
    id: 'exchange/leases-are-leases',
    title: 'what exchange hands out is leased: nobody else gets it, it comes back when its lease ends',
    rules: [13, 15],
    run: async context => {
      const { open, elsewhere, timings } = context;
      const queue = await open();
      const other = await elsewhere(queue);
      if (queue.raw.exchange === undefined) throw new NotApplicable('the store has no exchange');
      await queue.add({});
      const { deliveries } = await queue.raw.exchange([], {
        max: 1,
        leaseMs: timings.leaseMs,
        timeoutMs: timings.callMs,
      });
      const first = deliveries.length > 0 ? asJob(deliveries[0]!) : await queue.takeOne({ leaseMs: timings.leaseMs });
      assert.equal(first.attempt, 1);
      await other.takeNothing('the job is leased', timings.leaseMs / 2);
      const again = await other.takeOne({ withinMs: timings.leaseEndMs });
      assert.equal(again.id, first.id);
      assert.deepEqual(summary(await queue.settle([{ kind: 'ack', receipt: first.receipt }])), ['lease-lost']);
    },
  },
  {
    id: 'exchange/loses-nothing',
    title: 'workers that only exchange run every job exactly once',
    rules: [10, 13],
    deadlineMs: 120_000,
    run: async context => {
      const queue = await context.open();
      const { maxBatch, parallel } = context.capabilities;
      const jobs = await queue.add(...Array.from({ length: context.load(500) }, (_, n) => ({ body: `${n}` })));
      const seen = new Set<string>();
      const done = new AbortController();
      const worker = async () => {
        let settlements: Settlement[] = [];
        let idleSince = performance.now();
        while (seen.size < jobs.length || settlements.length > 0) {
          const { outcomes, deliveries } = await exchange(queue, context, settlements, Math.min(10, maxBatch.reserve));
          assertOk(outcomes, settlements.length, 'exchange');
          for (const { id } of deliveries.map(asJob)) {
            assert.ok(!seen.has(id), `job ${id} was handed out twice`);
            seen.add(id);
          }
          settlements = deliveries.slice(0, maxBatch.settle).map(({ receipt }) => ({ kind: 'ack', receipt }));
          if (deliveries.length > 0) idleSince = performance.now();
          const idleMs = performance.now() - idleSince;
          if (idleMs > 2 * context.timings.wakeMs) {
            assert.fail(`${seen.size} of ${jobs.length} jobs came, then none for ${Math.round(idleMs)} ms`);
          }
        }
      };
      const workers = Array.from({ length: Math.min(4, parallel.reserve, parallel.settle) }, worker);
      await Promise.all(workers).finally(() => done.abort());
      await queue.assertCounts({}, 'after every job was acknowledged');
    },
  },
]);
