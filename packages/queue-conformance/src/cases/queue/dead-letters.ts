import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import type { DLQHandler, QueueOptions } from '@switchyard/queue-api';
import { queueCases } from '../../conformance-case.ts';
import type { QueueContext } from '../../queue/queue-context.ts';

/** Runs one job that always fails, under a queue with this `dlqHandler`, until it is dead. */
async function dieWith({ service, queueName, ledger, nextEvent }: QueueContext, dlqHandler: DLQHandler | undefined) {
  const { queues } = await service({ maxAttempts: 2 });
  const options: QueueOptions = dlqHandler === undefined ? {} : { dlqHandler };
  const queue = await queues.getQueue(queueName(), options);
  const log = ledger();
  const handler = log.handler(({ attempt }) => {
    throw new Error(`failure ${attempt}`);
  });
  queue.process(handler);
  const dead = nextEvent(queue, 'dead');
  const id = await queue.add({ doomed: true });
  return { id, queue, log, handler, dead: await dead };
}

export const queueDeadLetterCases = queueCases([
  {
    id: 'dlq/resolves',
    title: 'a dlqHandler gets the job, the attempts made and the last error once; when it resolves the job is done',
    rules: [18],
    run: async context => {
      const calls: unknown[] = [];
      const { id, queue, dead } = await dieWith(context, (job, error) => {
        calls.push({ ...job, error: error.message });
      });
      assert.deepEqual(calls, [{ id, payload: { doomed: true }, attempt: 2, error: 'failure 2' }]);
      assert.deepEqual({ id: dead.id, attempt: dead.attempt, parked: dead.parked }, { id, attempt: 2, parked: false });
      assert.equal(dead.error.message, 'failure 2');
      await context.assertCount(queue, 0, 'after the dlqHandler resolved');
    },
  },
  {
    id: 'dlq/throws',
    title: 'when the dlqHandler throws, the job is parked in the dead letters and not lost to another run',
    rules: [18, 22],
    run: async context => {
      let calls = 0;
      const { queue, log, dead } = await dieWith(context, () => {
        calls++;
        throw new Error('the dlqHandler fails too');
      });
      assert.deepEqual({ attempt: dead.attempt, parked: dead.parked }, { attempt: 2, parked: true });
      await context.assertCount(queue, 0, 'after the job was parked');
      await elapse(context.timings.quietMs);
      assert.equal(calls, 1);
      assert.equal(log.runs.length, 2);
    },
  },
  {
    id: 'dlq/missing',
    title: 'without a dlqHandler the job is parked in the dead letters, and never runs again',
    rules: [18, 22],
    run: async context => {
      const { queue, log, handler, dead } = await dieWith(context, undefined);
      assert.deepEqual({ attempt: dead.attempt, parked: dead.parked }, { attempt: 2, parked: true });
      assert.equal(dead.error.message, 'failure 2');
      await context.assertCount(queue, 0, 'after the job was parked');
      await queue.disconnect();
      queue.process(handler);
      await elapse(context.timings.quietMs);
      assert.equal(log.runs.length, 2);
    },
  },
]);
