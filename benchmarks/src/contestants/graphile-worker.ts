import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { Logger, makeWorkerUtils, type Runner, run } from 'graphile-worker';
import type { Contestant } from '../contestant.ts';

const logger = new Logger(() => () => {});

/** Each job is fetched and completed by itself. */
export const graphileContestant = contestant('graphile-worker', {});

/** Jobs are fetched 500 at a time, and completed by whatever has gathered. */
export const graphileBatchContestant = contestant('graphile-worker, batched', {
  localQueue: { size: 500 },
  completeJobBatchDelay: 0,
  failJobBatchDelay: 0,
});

function contestant(name: string, worker: Partial<GraphileConfig.WorkerOptions>): Contestant {
  return {
    name,
    async open() {
      const preset = {
        worker: {
          connectionString: (await testServer('postgres')).url,
          schema: `bench_${randomUUID().slice(0, 8)}`,
          maxPoolSize: 10,
          ...worker,
        },
      };
      const utils = await makeWorkerUtils({ preset, logger });
      await utils.migrate();
      let runner: Promise<Runner> | undefined;
      return {
        add: payload => utils.addJob('task', payload),
        addBulk: payloads => utils.addJobs(payloads.map(payload => ({ identifier: 'task', payload }))),
        addDelayed: (payload, delay) => utils.addJob('task', payload, { runAt: new Date(Date.now() + delay) }),
        process(handler, { concurrency }) {
          const taskList = { task: (payload: unknown) => handler(payload) };
          runner = run({ preset, concurrency, taskList, logger, noHandleSignals: true });
        },
        async close() {
          await (await runner)?.stop();
          await utils.release();
        },
      };
    },
  };
}
