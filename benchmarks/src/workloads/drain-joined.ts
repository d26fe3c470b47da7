import type { Workload } from '../workload.ts';
import { runJoined } from './joined.ts';

/** Running `count` no-op jobs that are all there, with a worker that has joined its group. */
export function drainJoined(count: number, concurrency: number): Workload {
  const name = `drain at concurrency ${concurrency}`;
  return {
    name,
    run: async subject => [{ name, unit: 'per second', value: await runJoined(subject, { count, concurrency }) }],
  };
}
