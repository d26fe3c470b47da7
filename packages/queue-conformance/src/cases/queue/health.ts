import assert from 'node:assert/strict';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const healthCases = queueCases([
  {
    id: 'health/snapshot',
    title: 'health says where a queue stands, and the health of the service has all of its queues',
    rules: [25],
    run: async ({ service, queueName, ledger, harness, eventually, timings }) => {
      const { queues } = await service();
      const [name, other] = [queueName(), queueName()];
      const queue = await queues.getQueue(name);
      await queues.getQueue(other);
      const { state, active, healthy, store, processes } = queue.health();
      assert.deepEqual(
        { state, active, healthy, store, processes },
        { state: 'idle', active: 0, healthy: true, store: harness.adapter.store, processes: true },
      );

      const log = ledger();
      const gate = new Gate();
      queue.process(log.handler(() => gate.passed));
      await queue.add('running');
      await log.started(1);
      const busy = queue.health();
      assert.deepEqual([busy.name, busy.state, busy.active, busy.healthy], [name, 'running', 1, true]);
      assert.ok(busy.lastSuccessfulPoll instanceof Date);
      assert.equal(busy.lastError, undefined);

      const all = queues.health();
      assert.equal(all.healthy, true);
      assert.deepEqual(all.queues.map(entry => entry.name).toSorted(), [name, other].toSorted());
      gate.open();
      await log.ended(1);
      await eventually('no handler to be active', timings.wakeMs, () => assert.equal(queue.health().active, 0));
    },
  },
]);
