import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { queueCases } from '../../conformance-case.ts';
import type { QueueContext } from '../../queue/queue-context.ts';
import { undisturbed } from '../../undisturbed.ts';

/** One job that takes two and a half leases, on as many instances as the store can have work on it. */
async function runLongJob(context: QueueContext, leaseDuration: number): Promise<void> {
  const { service, queueName, ledger, assertCount, capabilities, timings } = context;
  const name = queueName();
  const services = [await service({ leaseDuration })];
  if (capabilities.shared) services.push(await service({ leaseDuration }));
  const queues = await Promise.all(services.map(({ queues: instance }) => instance.getQueue(name)));
  const log = ledger();
  for (const queue of queues) {
    queue.process(
      log.handler(() => elapse(2.5 * leaseDuration)),
      { concurrency: 2 },
    );
  }
  await queues[0]!.add('long');
  await log.ended(1, 2.5 * leaseDuration + timings.wakeMs);
  await assertCount(queues[0]!, 0, 'after the long job');
  await elapse(timings.quietMs);
  assert.equal(log.runs.length, 1, 'runs of the long job');
  assert.equal(log.runs[0]!.context.signal.aborted, false, 'its signal aborted');
}

export const longJobCases = queueCases([
  {
    id: 'long-jobs/run-once',
    title: 'a handler that takes much longer than the lease runs once: the lease is renewed',
    rules: [13],
    run: async context => {
      const leaseDuration = 2 * context.timings.leaseMs;
      await undisturbed(leaseDuration / 5, () => runLongJob(context, leaseDuration));
    },
  },
]);
