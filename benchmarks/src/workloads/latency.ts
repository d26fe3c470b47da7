import { payload, percentile, type Workload } from '../workload.ts';

const JOBS = 500;
/** Not counted: while Node.js still compiles what runs, its compiler is what is measured. */
const WARM_UP_JOBS = 500;

/** From `add` to the start of the handler, on a worker with nothing to do that has been running for a while. */
export const pickUp: Workload = {
  name: 'pick-up',
  async run(subject) {
    let started: () => void = () => {};
    subject.process(async () => started(), { concurrency: 10 });
    const samples: number[] = [];
    for (let number = 0; number < WARM_UP_JOBS + JOBS; number++) {
      await new Promise(resolve => void setTimeout(resolve, 2));
      const begin = performance.now();
      const picked = new Promise<void>(resolve => (started = resolve));
      await Promise.all([subject.add(payload(number)), picked]);
      if (number >= WARM_UP_JOBS) samples.push(performance.now() - begin);
    }
    return [
      { name: 'pick-up, p50', unit: 'ms', value: percentile(samples, 0.5) },
      { name: 'pick-up, p99', unit: 'ms', value: percentile(samples, 0.99) },
    ];
  },
};

const DELAYED = 200;
const LONGEST_DELAY_MS = 2000;

/** How late a delayed job starts. */
export const delayError: Workload = {
  name: 'delay error',
  async run(subject) {
    const { addDelayed } = subject;
    if (addDelayed === undefined) return [];
    const due = new Map<number, number>();
    const samples: number[] = [];
    const all = new Promise<void>(resolve => {
      subject.process(
        async job => {
          const { number } = job as { number: number };
          samples.push(performance.now() - (due.get(number) ?? Number.NaN));
          if (samples.length === DELAYED) resolve();
        },
        { concurrency: 50 },
      );
    });
    for (let number = 0; number < DELAYED; number++) {
      const delay = 100 + ((number * 7919) % LONGEST_DELAY_MS);
      due.set(number, performance.now() + delay);
      await addDelayed(payload(number), delay);
    }
    await all;
    return [
      { name: 'delay error, p50', unit: 'ms', value: percentile(samples, 0.5) },
      { name: 'delay error, p99', unit: 'ms', value: percentile(samples, 0.99) },
    ];
  },
};
