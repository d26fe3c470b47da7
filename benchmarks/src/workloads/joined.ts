import type { Subject } from '../contestant.ts';
import { payload, perSecond } from '../workload.ts';

const BULK_SIZE = 1000;
/** Enough that each slot of a worker and each partition has one. */
const FIRST = 100;

export interface JoinedRun {
  readonly count: number;
  readonly concurrency: number;
  /** What a job does, besides being counted. */
  readonly work?: () => Promise<unknown>;
}

/**
 * Runs so many jobs, all of which are stored when the clock starts, and stops at the last; resolves with jobs a second.
 *
 * Joining a consumer group takes as long as thousands of jobs, and is not what a drain is about. So the worker starts on
 * the first few jobs: none of them can end before the others are stored. Before the clock: connections, the group, the
 * first fetch, and what a library takes ahead while its handlers are busy. Inside: to end the first jobs, to fetch,
 * parse, run and acknowledge the others, except for acknowledgements after the last handler.
 */
export async function runJoined(subject: Subject, { count, concurrency, work }: JoinedRun): Promise<number> {
  const open = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const done = Promise.withResolvers<void>();
  // A job that runs twice is counted once.
  const hasRun = new Uint8Array(count);
  let left = count;
  let isOpen = false;

  await store(subject, 0, FIRST);
  subject.process(
    async job => {
      if (!isOpen) {
        started.resolve();
        await open.promise;
      }
      if (work !== undefined) await work();
      const { number } = job as { number: number };
      if (hasRun[number] === 1) return;
      hasRun[number] = 1;
      left--;
      if (left === 0) done.resolve();
    },
    { concurrency },
  );
  await started.promise;
  await store(subject, FIRST, count);

  const start = performance.now();
  isOpen = true;
  open.resolve();
  await done.promise;
  return perSecond(count, performance.now() - start);
}

async function store(subject: Subject, from: number, to: number): Promise<void> {
  for (let start = from; start < to; start += BULK_SIZE) {
    const size = Math.min(BULK_SIZE, to - start);
    const payloads = Array.from({ length: size }, (_, index) => payload(start + index));
    if (subject.addBulk !== undefined) await subject.addBulk(payloads);
    else for (const one of payloads) await subject.add(one);
  }
}
