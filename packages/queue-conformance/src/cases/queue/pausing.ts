import assert from 'node:assert/strict';
import { setTimeout as elapse } from 'node:timers/promises';
import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const pausingCases = queueCases([
  {
    id: 'pausing/stops-and-resumes',
    title: 'a paused queue picks nothing up and loses nothing; running handlers finish; resume undoes it',
    rules: [21],
    run: async ({ queue: freshQueue, ledger, assertCount, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      const gate = new Gate();
      queue.process(
        log.handler(({ payload }) => (payload === 'running' ? gate.passed : undefined)),
        { concurrency: 2 },
      );
      await queue.add('running');
      await log.started(1);
      await queue.pause();
      await queue.pause();
      assert.equal(queue.health().state, 'paused');
      await queue.addBulk([{ payload: 'later' }, { payload: 'later' }]);
      gate.open();
      await log.ended(1);
      await assertCount(queue, 2, 'while paused');
      await elapse(timings.quietMs);
      assert.equal(log.runs.length, 1);

      await queue.resume();
      await queue.resume();
      await log.ended(3);
      assert.equal(queue.health().state, 'running');
      await assertCount(queue, 0, 'after resume');
    },
  },
  {
    id: 'pausing/before-process',
    title: 'a pause made before process holds until resume',
    rules: [21],
    run: async ({ queue: freshQueue, ledger, timings }) => {
      const queue = await freshQueue();
      const log = ledger();
      await queue.pause();
      await queue.add('waits');
      queue.process(log.handler());
      await elapse(timings.quietMs);
      assert.equal(log.runs.length, 0);
      await queue.resume();
      await log.ended(1);
    },
  },
  {
    id: 'pausing/uses-no-attempt',
    title: 'where releases are free, pausing and resuming over and over uses no attempt and loses no job',
    rules: [14, 21],
    requires: ({ freeRelease }) => freeRelease || 'a release counts as an attempt',
    run: async ({ queue: freshQueue, ledger }) => {
      const queue = await freshQueue();
      const log = ledger();
      queue.process(
        log.handler(() => elapse(2)),
        { concurrency: 2, prefetch: 4 },
      );
      const adding = queue.addBulk(Array.from({ length: 60 }, (_, n) => ({ payload: n })));
      for (let round = 0; round < 10; round++) {
        await queue.pause();
        await queue.resume();
        await elapse(5);
      }
      await adding;
      await log.ended(60);
      assert.equal(new Set(log.ids).size, 60);
      assert.deepEqual(new Set(log.runs.map(({ job }) => job.attempt)), new Set([1]));
    },
  },
  {
    id: 'pausing/leaves-jobs-to-others',
    title: 'what a paused instance does not pick up, other instances do',
    rules: [21],
    requires: ({ shared }) => shared || 'the store is not shared',
    run: async ({ service, queueName, ledger }) => {
      const name = queueName();
      const [paused, other] = await Promise.all([service(), service()]);
      const [mine, theirs] = await Promise.all([paused.queues.getQueue(name), other.queues.getQueue(name)]);
      const [myLog, theirLog] = [ledger(), ledger()];
      mine.process(myLog.handler());
      theirs.process(theirLog.handler());
      await mine.pause();
      await mine.addBulk(Array.from({ length: 10 }, (_, n) => ({ payload: n })));
      await theirLog.ended(10);
      assert.equal(myLog.runs.length, 0);
    },
  },
]);
