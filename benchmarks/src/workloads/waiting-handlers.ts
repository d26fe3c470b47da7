import { setTimeout as sleep } from 'node:timers/promises';
import type { Workload } from '../workload.ts';
import { runJoined } from './joined.ts';

const JOBS = 10_000;
const CONCURRENCY = 50;
const WAIT_MS = 5;
const IDEAL = CONCURRENCY / (WAIT_MS / 1000);

/** Handlers that wait, as for a database, on few partitions: who runs more than one job of a partition at once? */
export const waitingHandlers: Workload = {
  name: 'handlers that wait',
  partitions: 2,
  async run(subject) {
    const work = () => sleep(WAIT_MS);
    const speed = await runJoined(subject, { count: JOBS, concurrency: CONCURRENCY, work });
    const name = `handlers that wait ${WAIT_MS} ms, concurrency ${CONCURRENCY}, 2 partitions`;
    return [
      { name, unit: 'per second', value: speed },
      { name: `share of the ideal ${IDEAL.toLocaleString('en')}/s`, unit: '%', value: (100 * speed) / IDEAL },
    ];
  },
};
