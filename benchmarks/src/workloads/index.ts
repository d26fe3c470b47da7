import type { Workload } from '../workload.ts';
import { add } from './add.ts';
import { depth } from './depth.ts';
import { drain } from './drain.ts';
import { idle } from './idle.ts';
import { delayError, pickUp } from './latency.ts';
import { million } from './million.ts';

export const WORKLOADS: readonly Workload[] = [
  add,
  drain(20_000, { concurrency: 1 }),
  drain(20_000, { concurrency: 1, prefetch: 10 }),
  drain(50_000, { concurrency: 10 }),
  drain(50_000, { concurrency: 50 }),
  million,
  ...[1000, 100_000, 1_000_000].map(depth),
  pickUp,
  delayError,
  idle,
];
