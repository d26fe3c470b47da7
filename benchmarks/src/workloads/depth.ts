import { payload, percentile, type Workload } from '../workload.ts';

const BULK_SIZE = 1000;
const SAMPLES = 1000;

/** From the end of a job to the start of the next, one at a time, while so many others wait. */
export function depth(waiting: number): Workload {
  const name = `next of ${waiting.toLocaleString('en')}`;
  return {
    name,
    async run(subject) {
      const { addBulk } = subject;
      if (addBulk === undefined) return [];
      for (let start = 0; start < waiting + SAMPLES; start += BULK_SIZE) {
        await addBulk(Array.from({ length: BULK_SIZE }, (_, index) => payload(start + index)));
      }
      const samples: number[] = [];
      await new Promise<void>(resolve => {
        let last: number | undefined;
        subject.process(
          async () => {
            const now = performance.now();
            if (last !== undefined) samples.push(now - last);
            last = now;
            if (samples.length === SAMPLES - 1) resolve();
          },
          { concurrency: 1 },
        );
      });
      return [
        { name: `${name}, p50`, unit: 'ms', value: percentile(samples, 0.5) },
        { name: `${name}, p99`, unit: 'ms', value: percentile(samples, 0.99) },
      ];
    },
  };
}
