import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { isQueueError } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const concurrencyCases = queueCases([
  {
    id: 'concurrency/never-more',
    title: 'as many handlers run at once as concurrency says, and never more',
    rules: [10],
    run: async ({ queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      const gate = new Gate();
      queue.process(
        log.handler(() => gate.passed),
        { concurrency: 3 },
      );
      await queue.addBulk(Array.from({ length: 12 }, (_, n) => ({ payload: n })));
      await log.started(3);
      assert.equal(queue.health().active, 3);
      await elapse(timings.quietMs);
      assert.equal(log.runs.length, 3, 'handlers started while three were running');
      gate.open();
      await log.ended(12);
      assert.equal(log.mostActive, 3, 'handlers at once');
    },
  },
  {
    id: 'concurrency/refills-at-once',
    title: 'a free slot is filled at once: one slow job holds up only its own slot',
    rules: [10],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      const gate = new Gate();
      await queue.addBulk(Array.from({ length: 40 }, (_, n) => ({ payload: n })));
      let slow: string | undefined;
      queue.process(
        log.handler(async ({ id }) => {
          slow ??= id;
          if (id === slow) await gate.passed;
        }),
        { concurrency: 3 },
      );
      await log.ended(39);
      assert.equal(log.active, 1);
      gate.open();
      await log.ended(40);
      assert.equal(new Set(log.ids).size, 40);
    },
  },
  {
    id: 'concurrency/one-by-default',
    title: 'without a concurrency jobs run one after the other, unless the configuration says otherwise',
    rules: [10],
    run: async ({ queue: freshQueue, ledger }) => {
      const [one, two] = [await freshQueue(), await freshQueue({ defaultConcurrency: 2 })];
      const gate = new Gate();
      const [logOfOne, logOfTwo] = [ledger(), ledger()];
      one.process(logOfOne.handler(() => elapse(5)));
      two.process(logOfTwo.handler(() => gate.passed));
      const jobs = Array.from({ length: 6 }, (_, n) => ({ payload: n }));
      await Promise.all([one.addBulk(jobs), two.addBulk(jobs)]);
      await logOfTwo.started(2);
      gate.open();
      await Promise.all([logOfOne.ended(6), logOfTwo.ended(6)]);
      assert.equal(logOfOne.mostActive, 1, 'handlers at once by default');
      assert.equal(logOfTwo.mostActive, 2, 'handlers at once as configured');
    },
  },
  {
    id: 'concurrency/fifo-with-one-worker',
    title: 'one worker runs equal jobs first in, first out',
    rules: [11],
    requires: ({ order }) => order === 'ready' || 'the store promises no order',
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(log.handler());
      for (let n = 0; n < 10; n++) await queue.add(n);
      await queue.addBulk(Array.from({ length: 10 }, (_, n) => ({ payload: n + 10 })));
      await log.ended(20);
      assert.deepEqual(
        log.payloads,
        Array.from({ length: 20 }, (_, n) => n),
      );
    },
  },
  {
    id: 'concurrency/by-priority',
    title: 'one worker runs the lower priority number first; 20 is the default',
    rules: [5, 11],
    requires: ({ priority }) => priority === 'strict' || `the store's priority is '${priority}'`,
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      await queue.addBulk([
        { payload: 'last', options: { priority: 1_000_000 } },
        { payload: 'after the default', options: { priority: 21 } },
        { payload: 'default' },
        { payload: 'before the default', options: { priority: 19 } },
        { payload: 'first', options: { priority: -1_000_000 } },
      ]);
      queue.process(log.handler());
      await log.ended(5);
      assert.deepEqual(log.payloads, ['first', 'before the default', 'default', 'after the default', 'last']);
    },
  },
  {
    id: 'concurrency/unsupported-priority',
    title: 'where the store has no priorities, one is warned about once, or refused if so configured',
    rules: [11],
    requires: ({ priority }) => priority === 'none' || `the store's priority is '${priority}'`,
    run: async ({ service, queueName, ledger }) => {
      const lenient = await service();
      const queue = await lenient.queues.getQueue(queueName());
      for (const priority of [1, 2, 3]) await queue.add(priority, { priority });
      const log = ledger();
      queue.process(log.handler());
      await log.ended(3);
      const warnings = lenient.log.filter(({ level, message }) => level === 'warn' && message.includes('priority'));
      assert.equal(warnings.length, 1, JSON.stringify(lenient.log));

      const strict = await service({ unsupportedOptions: 'error' });
      const refusing = await strict.queues.getQueue(queueName());
      await assert.rejects(
        refusing.add(1, { priority: 1 }),
        (error: unknown) => isQueueError(error, 'unsupported-option') && error.option === 'priority',
      );
    },
  },
]);
