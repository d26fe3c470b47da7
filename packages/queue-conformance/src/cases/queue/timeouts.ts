import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { isQueueError } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const timeoutCases = queueCases([
  {
    id: 'timeouts/abort-and-fail',
    title: 'an attempt that takes longer than its timeout is told by its signal and has failed',
    rules: [12, 18],
    run: async ({ nextEvent, queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue({ maxAttempts: 1 });
      const log = ledger();
      const reasons: unknown[] = [];
      queue.process(
        log.handler(async (_, { signal }) => {
          await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
          reasons.push(signal.reason);
          throw new Error('the handler gives up');
        }),
        { timeout: timings.quietMs },
      );
      const dead = nextEvent(queue, 'dead');
      await queue.add('too slow');
      const { error } = await dead;
      assert.ok(isQueueError(error, 'timeout'), `the attempt failed with ${String(error)}`);
      assert.ok(isQueueError(reasons[0], 'timeout'), `the signal's reason is ${String(reasons[0])}`);
    },
  },
  {
    id: 'timeouts/ignored-signal',
    title: 'a handler that ignores its signal keeps its slot: concurrency holds, and its job runs once at a time',
    rules: [10, 12],
    run: async ({ queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue({ maxAttempts: 2 });
      const log = ledger();
      const gate = new Gate();
      queue.process(
        log.handler(async ({ attempt, payload }) => {
          if (payload !== 'deaf' || attempt > 1) return;
          await gate.passed;
          throw new Error('too late to matter');
        }),
        { timeout: timings.quietMs, concurrency: 1 },
      );
      await queue.add('deaf');
      await log.started(1);
      await queue.add('next');
      await elapse(1_100 + timings.quietMs + timings.slackMs / 4);
      assert.equal(log.runs.length, 1, 'another handler runs although the only slot is taken');
      gate.open();
      await log.ended(3);
      assert.deepEqual(log.payloads.map(String).toSorted(), ['deaf', 'deaf', 'next']);
      assert.equal(log.mostActive, 1);
    },
  },
]);
