import type { WorkerOptions } from '../contestant.ts';
import { payload, perSecond, type Workload } from '../workload.ts';

/** Running `count` no-op jobs that are all there when the worker starts. */
export function drain(count: number, worker: WorkerOptions): Workload {
  const { concurrency, prefetch } = worker;
  const name = `drain at concurrency ${concurrency}${prefetch === undefined ? '' : `, prefetch ${prefetch}`}`;
  return {
    name,
    async run(subject) {
      const payloads = Array.from({ length: count }, (_, number) => payload(number));
      if (subject.addBulk !== undefined) await subject.addBulk(payloads);
      else for (const one of payloads) await subject.add(one);
      const start = performance.now();
      await new Promise<void>(resolve => {
        let left = count;
        subject.process(async () => {
          left--;
          if (left === 0) resolve();
        }, worker);
      });
      return [{ name, unit: 'per second', value: perSecond(count, performance.now() - start) }];
    },
  };
}
