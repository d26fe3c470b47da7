import { queueCases } from '../../conformance-case.ts';
import { Gate } from '../../queue/gate.ts';

export const countingCases = queueCases([
  {
    id: 'counting/through-a-life',
    title: 'getJobCount counts jobs that wait, are delayed, run or wait for a retry, and no finished or dead ones',
    rules: [22],
    run: async ({ nextEvent, queue: freshQueue, ledger, assertCount, timings }) => {
      const queue = await freshQueue({ maxAttempts: 2 });
      await assertCount(queue, 0, 'of a new queue');
      await queue.add('delayed', { delay: timings.longDelayMs });
      await queue.addBulk([{ payload: 'fails' }, { payload: 'runs' }]);
      await assertCount(queue, 3, 'after adding three');
      const log = ledger();
      const gate = new Gate();
      const [retrying, dead] = [nextEvent(queue, 'retrying'), nextEvent(queue, 'dead')];
      queue.process(
        log.handler(async ({ payload }) => {
          if (payload === 'fails') throw new Error('always');
          await gate.passed;
        }),
        { concurrency: 2 },
      );
      await log.started(2);
      await retrying;
      await assertCount(queue, 3, 'with one running and one waiting for its retry');
      await dead;
      await assertCount(queue, 2, 'after one is dead');
      gate.open();
      await log.ended(3);
      await assertCount(queue, 1, 'with the delayed one left');
    },
  },
]);
