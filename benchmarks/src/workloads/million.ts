import { type Measure, perSecond, type Workload } from '../workload.ts';

const JOBS = 1_000_000;
const AT_ONCE = 10_000;
const CONCURRENCY = 50;
const MIB = 1024 * 1024;

/** A million no-op jobs from add to done, ten thousand at a time, and what is left in the heap afterwards. */
export const million: Workload = {
  name: 'a million jobs',
  async run(subject) {
    let left = 0;
    let batchDone: () => void = () => {};
    subject.process(
      async () => {
        left--;
        if (left === 0) batchDone();
      },
      { concurrency: CONCURRENCY },
    );

    const runBatch = async (start: number) => {
      left = AT_ONCE;
      const done = new Promise<void>(resolve => (batchDone = resolve));
      const payloads = Array.from({ length: AT_ONCE }, (_, index) => ({ number: start + index }));
      if (subject.addBulk !== undefined) await subject.addBulk(payloads);
      else for (const one of payloads) await subject.add(one);
      await done;
    };

    await runBatch(0);
    const heapBefore = heapAfterCollection();
    const begin = performance.now();
    for (let start = 0; start < JOBS; start += AT_ONCE) await runBatch(start);
    const elapsed = performance.now() - begin;
    const growth: Measure = { name: 'heap growth over it', unit: 'MiB', value: heapAfterCollection() - heapBefore };
    const speed: Measure = { name: 'a million jobs, add to done', unit: 'per second', value: perSecond(JOBS, elapsed) };
    return [speed, growth];
  },
};

function heapAfterCollection(): number {
  globalThis.gc?.();
  return process.memoryUsage().heapUsed / MIB;
}
