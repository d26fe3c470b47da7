import assert from 'node:assert/strict';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const sharingCases = queueCases([
  {
    id: 'sharing/two-instances',
    title: 'two instances share the work of a queue, and no job runs twice',
    rules: [13],
    requires: ({ shared }) => shared || 'the store is not shared',
    deadlineMs: 60_000,
    run: async ({ service, queueName, ledger, assertCount, eventually, timings }) => {
      const name = queueName();
      const services = [await service(), await service()];
      const queues = await Promise.all(services.map(({ queues: instance }) => instance.getQueue(name)));
      const gate = new Gate();
      const logs = queues.map(queue => {
        const log = ledger();
        queue.process(
          log.handler(() => gate.passed),
          { concurrency: 5 },
        );
        return log;
      });
      const ids = await queues[0]!.addBulk(Array.from({ length: 60 }, (_, n) => ({ payload: n })));
      await Promise.all(logs.map(log => log.started(5)));
      gate.open();
      await eventually('every job to run', 4 * timings.wakeMs, () =>
        assert.equal(logs.flatMap(log => log.ids).length, ids.length),
      );
      await assertCount(queues[0]!, 0, 'after all have run');
      const ran = logs.flatMap(log => log.ids);
      assert.deepEqual(ran.toSorted(), ids.toSorted());
    },
  },
  {
    id: 'sharing/one-adds-one-runs',
    title: 'one instance adds and another runs: producers and workers can be different processes',
    rules: [8, 13],
    requires: ({ shared }) => shared || 'the store is not shared',
    run: async ({ service, queueName, ledger, assertCount }) => {
      const name = queueName();
      const [producer, worker] = [await service(), await service()];
      const adding = await producer.queues.getQueue(name);
      const running = await worker.queues.getQueue(name);
      const early = await adding.add('before the worker is there');
      const log = ledger();
      running.process(log.handler());
      await log.ended(1);
      const late = await adding.add('while it waits');
      await log.ended(2);
      assert.deepEqual(log.ids, [early, late]);
      await assertCount(adding, 0, 'in the producer');
    },
  },
]);
