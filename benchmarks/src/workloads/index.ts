import type { Workload } from '../workload.ts';
import { add } from './add.ts';
import { depth } from './depth.ts';
import { drainJoined } from './drain-joined.ts';
import { drain } from './drain.ts';
import { idle } from './idle.ts';
import { delayError, pickUp } from './latency.ts';
import { million } from './million.ts';
import { waitingHandlers } from './waiting-handlers.ts';

/** Stores where a request takes milliseconds get a tenth of the jobs, and no line of a million. */
const SLOW = new Set(['sqs']);

/** Clients join a group before they get anything, and only what they then do is compared. */
const KAFKA: readonly Workload[] = [
  add(1),
  ...[1, 10, 50].map(concurrency => drainJoined(200_000, concurrency)),
  waitingHandlers,
  pickUp,
];

export function workloadsFor(store: string): readonly Workload[] {
  if (store === 'kafka') return KAFKA;
  const isSlow = SLOW.has(store);
  const share = isSlow ? 0.1 : 1;
  return [
    add(share),
    drain(20_000 * share, { concurrency: 1 }),
    drain(20_000 * share, { concurrency: 1, prefetch: 10 }),
    drain(50_000 * share, { concurrency: 10 }),
    drain(50_000 * share, { concurrency: 50 }),
    ...(isSlow ? [] : [million, ...[1000, 100_000, 1_000_000].map(depth)]),
    pickUp,
    delayError,
    idle,
  ];
}
