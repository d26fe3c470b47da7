import { type Measure, payload, perSecond, type Workload } from '../workload.ts';

const AWAITED = 5000;
const CONCURRENT = 50_000;
const IN_FLIGHT = 100;
const BULK = 50_000;
const BULK_SIZE = 1000;

async function timed(name: string, count: number, run: () => Promise<void>): Promise<Measure> {
  const start = performance.now();
  await run();
  return { name, unit: 'per second', value: perSecond(count, performance.now() - start) };
}

/** Adding, while nobody processes. `share`: how many of the usual number of jobs. */
export const add = (share: number): Workload => ({
  name: 'add',
  async run(subject) {
    const [awaited, concurrent, inBulk] = [AWAITED * share, CONCURRENT * share, BULK * share];
    const measures = [
      await timed('add, one by one', awaited, async () => {
        for (let number = 0; number < awaited; number++) await subject.add(payload(number));
      }),
      await timed(`add, ${IN_FLIGHT} in flight`, concurrent, async () => {
        let number = 0;
        const lane = async () => {
          while (number < concurrent) await subject.add(payload(number++));
        };
        await Promise.all(Array.from({ length: IN_FLIGHT }, lane));
      }),
    ];
    const { addBulk } = subject;
    if (addBulk === undefined) return measures;
    const bulk = await timed(`add, in bulks of ${BULK_SIZE}`, inBulk, async () => {
      for (let start = 0; start < inBulk; start += BULK_SIZE) {
        await addBulk(Array.from({ length: BULK_SIZE }, (_, index) => payload(start + index)));
      }
    });
    return [...measures, bulk];
  },
});
