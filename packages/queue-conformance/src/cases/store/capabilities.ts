import assert from 'node:assert/strict';
import { storeCases } from '../../conformance-case.ts';
import { inBatches, newJob } from '../../store/trial-queue.ts';
import { assertOk } from '../../store/outcomes.ts';

/** Batches larger than this are not tried to the full. */
const LARGEST_BATCH = 2_000;
const YEAR_MS = 365 * 24 * 60 * 60 * 1000;

export const capabilityCases = storeCases([
  {
    id: 'capabilities/well-formed',
    title: 'every capability is stated, in the units of the contract',
    rules: [],
    run: async ({ capabilities }) => {
      const { maxBatch, parallel, maxBodyBytes, maxDelayMs = 1, maxAgeMs = 1, maxLeaseMs = 1 } = capabilities;
      for (const limits of [maxBatch, parallel]) {
        assert.deepEqual(Object.keys(limits).toSorted(), ['enqueue', 'reserve', 'settle']);
      }
      for (const limits of [maxBatch, parallel, { maxBodyBytes, maxDelayMs, maxAgeMs, maxLeaseMs }]) {
        for (const [name, value] of Object.entries(limits)) {
          assert.ok(value === Infinity || (Number.isInteger(value) && value >= 1), `${name} is ${value}`);
        }
      }
      for (const name of ['delayResolutionMs', 'leaseResolutionMs'] as const) {
        assert.ok(Number.isFinite(capabilities[name]) && capabilities[name] >= 0, `${name} is ${capabilities[name]}`);
      }
      assert.ok(['strict', 'lanes', 'none'].includes(capabilities.priority));
      assert.ok(['ready', 'none'].includes(capabilities.order));
      assert.ok(['exact', 'approximate'].includes(capabilities.counts));
      assert.ok(['job', 'partition'].includes(capabilities.leaseScope));
      for (const name of ['durable', 'shared', 'countsCrashes', 'freeRelease', 'keepsNote', 'knowsIds'] as const) {
        assert.equal(typeof capabilities[name], 'boolean', name);
      }
    },
  },
  {
    id: 'capabilities/full-batches',
    title: 'batches as large as declared are stored, handed out and settled',
    rules: [10],
    deadlineMs: 60_000,
    run: async ({ open, capabilities }) => {
      const queue = await open();
      const { enqueue, reserve, settle } = capabilities.maxBatch;
      const count = Math.min(Math.max(enqueue, settle), LARGEST_BATCH);
      const jobs = Array.from({ length: count }, () => newJob({}));
      for (const batch of inBatches(jobs, enqueue)) assertOk(await queue.enqueue(batch), batch.length, 'enqueue');

      const taken = await queue.take(count, { max: Math.min(reserve, LARGEST_BATCH) });
      assert.deepEqual(new Set(taken.map(({ id }) => id)), new Set(jobs.map(({ id }) => id)));
      for (const batch of inBatches(taken, settle)) {
        const outcomes = await queue.settle(batch.map(({ receipt }) => ({ kind: 'ack', receipt })));
        assertOk(outcomes, batch.length, 'settle');
      }
      await queue.assertCounts({}, 'after everything was settled');
    },
  },
  {
    id: 'capabilities/longest-delay',
    title: 'a job delayed by as much as the store can is kept and not handed out',
    rules: [5],
    requires: ({ maxDelayMs = YEAR_MS }) => maxDelayMs >= 60_000 || `delays end at ${maxDelayMs} ms`,
    run: async ({ open, capabilities }) => {
      const queue = await open();
      const delayMs = Math.min(capabilities.maxDelayMs ?? YEAR_MS, YEAR_MS);
      await queue.add({ delayMs });
      await queue.takeNothing(`the job is delayed by ${delayMs} ms`);
      await queue.assertCounts({ delayed: 1 }, 'with one delayed job');
    },
  },
  {
    id: 'capabilities/longest-retry-delay',
    title: 'a retry is put off for as long as the longest backoff, an hour',
    rules: [17],
    requires: ({ maxDelayMs = Infinity }) => maxDelayMs >= 3_600_000 || `delays end at ${maxDelayMs} ms`,
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({});
      await queue.retry(await queue.takeOne(), 3_600_000);
      await queue.takeNothing('the retry is an hour away');
      await queue.assertCounts({ delayed: 1 }, 'with one job that waits for its retry');
    },
  },
  {
    id: 'capabilities/durable',
    title: 'where the store is durable, jobs are there after every connection was closed',
    rules: [7, 8, 23],
    requires: ({ durable }) => durable || 'the store is not durable',
    run: async ({ open, connect, closeStore, store }) => {
      const queue = await open();
      const [ready, delayed] = await queue.add({ body: '"ready"' }, { body: '"delayed"', delayMs: 1_000 });
      await closeStore(store);
      const again = await open(queue.name, await connect());
      const ids = (await again.take(2)).map(({ id }) => id);
      assert.deepEqual(new Set(ids), new Set([ready?.id, delayed?.id]));
    },
  },
  {
    id: 'capabilities/not-durable',
    title: 'where the store is not durable, its jobs end with its connections',
    rules: [7],
    requires: ({ durable }) => !durable || 'the store is durable',
    run: async ({ open, connect, closeStore, store }) => {
      const queue = await open();
      await queue.add({});
      await closeStore(store);
      const again = await open(queue.name, await connect());
      await again.takeNothing('a store that keeps jobs over a restart declares durable: true');
    },
  },
  {
    id: 'capabilities/shared',
    title: 'where the store is shared, one process runs what another one added',
    rules: [13],
    requires: ({ shared }) => shared || 'the store is not shared',
    run: async ({ open, elsewhere }) => {
      const queue = await open();
      const other = await elsewhere(queue);
      const [job] = await queue.add({ body: '"from the first"' });
      const delivery = await other.takeOne();
      assert.equal(delivery.id, job?.id);
      await queue.takeNothing('the job is leased by the other process');
      await other.ack(delivery);
      await queue.assertCounts({}, 'once the other process is done');
    },
  },
  {
    id: 'capabilities/not-shared',
    title: 'where the store is not shared, a second connection is a store of its own',
    rules: [13],
    requires: ({ shared, durable }) => (!shared && !durable) || 'the store is shared, or outlives its process',
    run: async ({ open, connect }) => {
      const queue = await open();
      await queue.add({});
      const other = await open(queue.name, await connect());
      await other.takeNothing('a store whose connections see each other declares shared: true');
      await queue.takeOne();
    },
  },
  {
    id: 'capabilities/counts-crashes',
    title: 'where the store counts crashes, a lease that ended in silence has used an attempt',
    rules: [14],
    requires: ({ countsCrashes }) => countsCrashes || 'the store does not count crashes',
    run: async ({ open, timings }) => {
      const queue = await open();
      await queue.add({});
      const attempts: number[] = [];
      for (let crash = 0; crash < 3; crash++) {
        const delivery = await queue.takeOne({ leaseMs: timings.leaseMs, withinMs: timings.leaseEndMs });
        attempts.push(delivery.attempt);
      }
      assert.deepEqual(attempts, [1, 2, 3]);
    },
  },
  {
    id: 'capabilities/does-not-count-crashes',
    title: 'where the store does not count crashes, a lease that ended in silence has used no attempt',
    rules: [14],
    requires: ({ countsCrashes }) => !countsCrashes || 'the store counts crashes',
    run: async ({ open, timings }) => {
      const queue = await open();
      await queue.add({});
      await queue.takeOne({ leaseMs: timings.leaseMs });
      const { attempt } = await queue.takeOne({ withinMs: timings.leaseEndMs });
      assert.equal(attempt, 1, 'a store that counts crashes declares countsCrashes: true');
    },
  },
]);
