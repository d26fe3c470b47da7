import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import type { StoreCapabilities } from '@switchyard/queue-api';
import { storeCases } from '../../conformance-case.ts';
import type { TrialQueue } from '../../store/trial-queue.ts';

const READY_ORDER = ({ order }: StoreCapabilities) => order === 'ready' || 'the store promises no order';
const STRICT = ({ priority }: StoreCapabilities) => priority === 'strict' || `the store's priority is '${priority}'`;

/** One worker runs `count` jobs, one after the other: the bodies, in that order. */
async function runInTurn(queue: TrialQueue, count: number): Promise<unknown[]> {
  const order: unknown[] = [];
  while (order.length < count) {
    const delivery = await queue.takeOne();
    order.push(JSON.parse(delivery.body));
    await queue.ack(delivery);
  }
  return order;
}

export const orderingCases = storeCases([
  {
    id: 'ordering/fifo',
    title: 'equal jobs run first in, first out, whether added one by one or in a batch',
    rules: [11],
    requires: READY_ORDER,
    run: async ({ open }) => {
      const queue = await open();
      for (let n = 0; n < 10; n++) await queue.add({ body: `${n}` });
      await queue.add(...Array.from({ length: 10 }, (_, n) => ({ body: `${n + 10}` })));
      assert.deepEqual(
        await runInTurn(queue, 20),
        Array.from({ length: 20 }, (_, n) => n),
      );
    },
  },
  {
    id: 'ordering/best-first-in-a-batch',
    title: 'a reserve for many hands them out best first',
    rules: [11],
    requires: capabilities => {
      const ordered = READY_ORDER(capabilities);
      return ordered === true ? capabilities.maxBatch.reserve >= 4 || 'batches are smaller than four' : ordered;
    },
    run: async ({ open, capabilities }) => {
      const queue = await open();
      const priorities = capabilities.priority === 'strict' ? [30, 10, 20, 10] : [20, 20, 20, 20];
      await queue.add(...priorities.map((priority, n) => ({ body: `${n}`, priority })));
      const bodies = (await queue.take(4)).map(({ body }) => Number(body));
      assert.deepEqual(bodies, capabilities.priority === 'strict' ? [1, 3, 2, 0] : [0, 1, 2, 3]);
    },
  },
  {
    id: 'ordering/priority',
    title: 'among ready jobs the lower priority number runs first, over the whole range',
    rules: [5, 11],
    requires: STRICT,
    run: async ({ open }) => {
      const queue = await open();
      const priorities = [20, 1_000_000, 0, -1, 19, -1_000_000, 21, 1, 999_999, -999_999];
      await queue.add(...priorities.map(priority => ({ priority, body: `${priority}` })));
      assert.deepEqual(
        await runInTurn(queue, priorities.length),
        priorities.toSorted((a, b) => a - b),
      );
    },
  },
  {
    id: 'ordering/priority-lanes',
    title: 'where priorities are lanes, the most urgent job runs before the least urgent one',
    rules: [11],
    requires: ({ priority }) => priority === 'lanes' || `the store's priority is '${priority}'`,
    run: async ({ open }) => {
      const queue = await open();
      await queue.add({ priority: 1_000_000, body: '"last"' });
      await queue.add({ priority: -1_000_000, body: '"first"' });
      assert.deepEqual(await runInTurn(queue, 2), ['first', 'last']);
    },
  },
  {
    id: 'ordering/no-priority',
    title: 'where the store has no priorities they are carried along and change nothing',
    rules: [11],
    requires: ({ priority }) => priority === 'none' || `the store's priority is '${priority}'`,
    run: async ({ open, capabilities }) => {
      const queue = await open();
      const priorities = [20, 1_000_000, -1_000_000, 0];
      await queue.add(...priorities.map(priority => ({ priority, body: `${priority}` })));
      const taken: { body: string; priority: number }[] = [];
      while (taken.length < priorities.length) taken.push(await queue.takeOne());
      for (const { body, priority } of taken) assert.equal(priority, Number(body));
      if (capabilities.order === 'ready')
        assert.deepEqual(
          taken.map(({ priority }) => priority),
          priorities,
        );
    },
  },
  {
    id: 'ordering/delayed-from-when-due',
    title: 'a delayed job queues up when it becomes ready, behind jobs that were ready before',
    rules: [11],
    requires: READY_ORDER,
    run: async ({ open, timings: { delayMs }, capabilities: { delayResolutionMs } }) => {
      const queue = await open();
      await queue.add({ body: '"delayed"', delayMs });
      await queue.add({ body: '"ready"' });
      await elapse(delayMs + delayResolutionMs + 50);
      await queue.add({ body: '"late"' });
      assert.deepEqual(await runInTurn(queue, 3), ['ready', 'delayed', 'late']);
    },
  },
  {
    id: 'ordering/retried-from-when-due',
    title: 'a retried job queues up when it becomes ready again, behind jobs that were ready before',
    rules: [11, 17],
    requires: READY_ORDER,
    run: async ({ open, timings: { delayMs }, capabilities: { delayResolutionMs } }) => {
      const queue = await open();
      await queue.add({ body: '"delayed retry"' }, { body: '"retry at once"' });
      const delayed = await queue.takeOne();
      const atOnce = await queue.takeOne();
      await queue.retry(delayed, delayMs);
      await queue.add({ body: '"ready"' });
      await elapse(5);
      await queue.retry(atOnce);
      await elapse(delayMs + delayResolutionMs + 50);
      assert.deepEqual(await runInTurn(queue, 3), ['ready', 'retry at once', 'delayed retry']);
    },
  },
  {
    id: 'ordering/priority-beats-time',
    title: 'a delayed or retried job of a lower priority number overtakes jobs that were ready before it',
    rules: [11, 17],
    requires: STRICT,
    run: async ({ open, timings: { delayMs }, capabilities: { delayResolutionMs } }) => {
      const queue = await open();
      await queue.add({ body: '"retried"', priority: 2 }, { body: '"delayed"', priority: 1, delayMs });
      await queue.retry(await queue.takeOne(), delayMs);
      await queue.add({ body: '"ready"', priority: 3 });
      await elapse(delayMs + delayResolutionMs + 50);
      assert.deepEqual(await runInTurn(queue, 3), ['delayed', 'retried', 'ready']);
    },
  },
]);
