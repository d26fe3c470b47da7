import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { isQueueError } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const disconnectingCases = queueCases([
  {
    id: 'disconnecting/deletes-nothing',
    title: 'after disconnect nothing runs and nothing is gone; add, count and process work again',
    rules: [8, 9, 23],
    run: async ({ queue: freshQueue, ledger, assertCount, timings }) => {
      const queue = await freshQueue();
      const [first, second] = [ledger(), ledger()];
      const gate = new Gate();
      queue.process(first.handler(() => gate.passed));
      await queue.addBulk([{ payload: 'first' }, { payload: 'left' }, { payload: 'left' }]);
      await first.started(1);
      const disconnecting = queue.disconnect();
      gate.open();
      await disconnecting;
      assert.equal(queue.health().state, 'idle');
      await assertCount(queue, 2, 'after disconnect');
      await queue.add('added later');
      await assertCount(queue, 3, 'after adding one more');
      await elapse(timings.quietMs);
      queue.process(second.handler());
      await second.ended(3);
      assert.equal(first.runs.length, 1);
      await assertCount(queue, 0, 'after the second process');
    },
  },
  {
    id: 'disconnecting/idempotent',
    title: 'disconnect can be called twice, at once, on a queue that never processed, and again after process',
    rules: [23],
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      await queue.disconnect();
      for (let round = 1; round <= 3; round++) {
        const log = ledger();
        queue.process(log.handler());
        await queue.add(round);
        await log.ended(1);
        await Promise.all([queue.disconnect(), queue.disconnect()]);
        await queue.disconnect();
      }
    },
  },
  {
    id: 'disconnecting/waits-for-handlers',
    title: 'disconnect lets a running handler finish, and its job is done',
    rules: [23],
    run: async ({ queue: freshQueue, ledger, assertCount, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      const gate = new Gate();
      queue.process(log.handler(() => gate.passed));
      await queue.add('running');
      await log.started(1);
      const disconnecting = queue.disconnect();
      const first = await Promise.race([disconnecting, elapse(timings.quietMs, 'time')]);
      assert.equal(first, 'time', 'disconnect resolved under a running handler');
      assert.equal(queue.health().state, 'stopping');
      assert.equal(log.runs[0]!.context.signal.aborted, false);
      gate.open();
      await disconnecting;
      assert.equal(log.active, 0);
      await assertCount(queue, 0, 'after disconnect');
    },
  },
  {
    id: 'disconnecting/hands-back',
    title: 'a handler that outlasts the shutdown is told by its signal, and its job is handed back',
    rules: [14, 23],
    run: async ({ queue: freshQueue, ledger, within, capabilities, timings }) => {
      const shutdownTimeout = timings.quietMs;
      const queue = await freshQueue({ shutdownTimeout });
      const [first, second] = [ledger(), ledger()];
      let reason: unknown;
      queue.process(
        first.handler(async (_, { signal }) => {
          await new Promise<void>(resolve => signal.addEventListener('abort', () => resolve()));
          reason = signal.reason;
          throw reason;
        }),
      );
      const id = await queue.add('too long');
      await first.started(1);
      await within('disconnect', shutdownTimeout + timings.wakeMs + timings.slackMs, queue.disconnect());
      assert.ok(isQueueError(reason, 'shutdown'), `the signal's reason is ${String(reason)}`);

      queue.process(second.handler());
      await second.ended(1);
      const { job } = second.runs[0]!;
      assert.deepEqual({ ...job }, { id, payload: 'too long', attempt: capabilities.freeRelease ? 1 : 2 });
    },
  },
  {
    id: 'disconnecting/ignored-signal',
    title: 'a handler that ignores its signal holds disconnect up no longer than the shutdown timeout',
    rules: [23],
    run: async ({ queue: freshQueue, ledger, within, timings }) => {
      const shutdownTimeout = timings.quietMs;
      const queue = await freshQueue({ shutdownTimeout });
      const log = ledger();
      const gate = new Gate();
      queue.process(log.handler(() => gate.passed));
      await queue.add('deaf');
      await log.started(1);
      await within('disconnect', shutdownTimeout + timings.wakeMs + timings.slackMs, queue.disconnect());
      assert.equal(log.active, 1);
      gate.open();
      await log.ended(1);
    },
  },
  {
    id: 'disconnecting/from-a-handler',
    title: 'disconnect called from a handler does not wait for itself for ever',
    rules: [23],
    run: async ({ queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue({ shutdownTimeout: timings.quietMs });
      const log = ledger();
      queue.process(log.handler(() => queue.disconnect()));
      await queue.add('the last one');
      await log.ended(1, timings.quietMs + timings.wakeMs + timings.slackMs);
      await queue.disconnect();
    },
  },
  {
    id: 'disconnecting/prefetched-jobs',
    title: 'jobs that were leased ahead are given back at disconnect: none is lost, none runs afterwards',
    rules: [14, 23],
    run: async ({ queue: freshQueue, ledger, assertCount, capabilities, timings }) => {
      const queue = await freshQueue();
      const [first, second] = [ledger(), ledger()];
      const gate = new Gate();
      queue.process(
        first.handler(() => gate.passed),
        { concurrency: 1, prefetch: 5 },
      );
      const ids = await queue.addBulk(Array.from({ length: 10 }, (_, n) => ({ payload: n })));
      await first.started(1);
      await elapse(timings.quietMs);
      const disconnecting = queue.disconnect();
      gate.open();
      await disconnecting;
      assert.equal(first.runs.length, 1, 'a job was started after disconnect was called');
      await assertCount(queue, 9, 'after disconnect');
      queue.process(second.handler(), { concurrency: 3 });
      await second.ended(9);
      assert.deepEqual(new Set([...first.ids, ...second.ids]), new Set(ids));
      if (capabilities.freeRelease) assert.ok(second.runs.every(({ job }) => job.attempt === 1));
    },
  },
  {
    id: 'disconnecting/the-service',
    title: 'closing the service disconnects all queues at once; afterwards it refuses work with a typed error',
    rules: [24],
    run: async ({ service, queueName, ledger, within, timings }) => {
      const { queues, close } = await service();
      const both = await Promise.all([queues.getQueue(queueName()), queues.getQueue(queueName())]);
      const logs = both.map(queue => {
        const log = ledger();
        queue.process(log.handler(() => elapse(timings.quietMs / 2)));
        return log;
      });
      await Promise.all(both.map(queue => queue.add('running')));
      await Promise.all(logs.map(log => log.started(1)));
      await within('close of the service', timings.wakeMs + timings.slackMs, Promise.all([close(), close()]));
      await within('a second close', timings.slackMs, close());
      for (const log of logs) assert.equal(log.active, 0, 'close resolved under a running handler');
      await assert.rejects(both[0].add('too late'), (error: unknown) => isQueueError(error, 'invalid-state'));
    },
  },
]);
