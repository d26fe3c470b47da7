import { rounds } from '@switchyard/fault-kit';
import type { JobDelivery, StoreQueue } from '@switchyard/queue-api';
import { testServer } from '@switchyard/test-servers';
import type { KafkaMessage } from 'kafkajs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type FoundRecord, headersOf, recordsOf } from './look.ts';
import { asJob, IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';

await testServer('kafka');

/** What a machine with other things to do may take beside, for a request or two and the turns of an event loop. */
const MACHINE_SLACK_MS = 1000;
const RETRIES_MS = [1000, 2000, 4000, ...(rounds(0, 1) > 0 ? [8000] : [])];

type Scene = Awaited<ReturnType<typeof openStore>>;

const ack = (queue: StoreQueue, deliveries: readonly JobDelivery[]) =>
  queue.settle(
    deliveries.map(({ receipt }) => ({ kind: 'ack', receipt })),
    IN_TIME,
  );

/** When the broker took records, by its own clock. */
const takenAt = ({ timestamp }: FoundRecord) => Number(timestamp);

/** Takes jobs as long as they come, and settles them. */
async function takeAll(queue: StoreQueue, count: number): Promise<JobDelivery[]> {
  const taken: JobDelivery[] = [];
  while (taken.length < count) {
    const deliveries = (await reserve(queue, { max: 1000, waitMs: 20_000 })).map(asJob);
    if (deliveries.length === 0) throw new Error(`${taken.length} of ${count} jobs came`);
    taken.push(...deliveries);
    await ack(queue, deliveries);
  }
  return taken;
}

/** How late each job was put among those that are due, in ms, by the clock of the broker. Negative is early. */
async function latenesses({ url, topics }: Scene, delays: ReadonlyMap<string, number>): Promise<number[]> {
  const records = await recordsOf(url, topics.main, delays.size);
  return records.map(record => {
    const enqueuedAt = Number(headersOf(record)['switchyard-enqueued-at']);
    return takenAt(record) - enqueuedAt - (delays.get(String(record.key)) ?? NaN);
  });
}

/** Adds jobs with these delays. */
async function addDelayed({ queue }: Scene, delaysMs: readonly number[]): Promise<Map<string, number>> {
  const jobs = delaysMs.map(delayMs => newJob({ delayMs }));
  for (let at = 0; at < jobs.length; at += 1000) await queue.enqueue(jobs.slice(at, at + 1000), IN_TIME);
  return new Map(jobs.map(({ id, delayMs }) => [id, delayMs]));
}

it.concurrent(
  `retries after ${RETRIES_MS.join(', ')} ms come in the declared resolution, and never early`,
  async () => {
    await using scene = await openStore();
    const { queue, store, url, topics } = scene;
    await queue.enqueue([newJob()], IN_TIME);
    for (const delayMs of RETRIES_MS) {
      const { receipt } = await takeOne(queue, { waitMs: 20_000 });
      await queue.settle([{ kind: 'retry', receipt, delayMs, note: '' }], IN_TIME);
    }
    await ack(queue, [await takeOne(queue, { waitMs: 20_000 })]);
    const due = (await recordsOf(url, topics.main, 1 + RETRIES_MS.length)).map(takenAt).toSorted((a, b) => a - b);
    // Those of the hops say when they are due.
    const isFirst = (record: KafkaMessage) => !('switchyard-due-at' in headersOf(record));
    const began = (await recordsOf(url, topics.delay, RETRIES_MS.length, isFirst)).map(takenAt);
    const waited = began.toSorted((a, b) => a - b).map((since, index) => (due[index + 1] ?? NaN) - since);
    expect(waited).toHaveLength(RETRIES_MS.length);
    for (const [index, delayMs] of RETRIES_MS.entries()) {
      expect(waited[index]).toBeGreaterThanOrEqual(delayMs);
      expect(waited[index]).toBeLessThanOrEqual(delayMs + store.capabilities.delayResolutionMs + MACHINE_SLACK_MS);
    }
  },
);

it.concurrent('a long delay hops from step to step, and the job is what it was', async () => {
  await using scene = await openStore({ settings: { delaySteps: [50, 100] } });
  const { queue, url, topics } = scene;
  const job = newJob({ body: '"later"', headers: { a: 'ä', b: '' }, priority: 3 });
  await queue.enqueue([job], IN_TIME);
  const first = await takeOne(queue);
  await queue.settle([{ kind: 'retry', receipt: first.receipt, delayMs: 700, note: 'näher' }], IN_TIME);
  const second = await takeOne(queue);
  const { receipt: _, ...said } = second;
  expect(said).toEqual({
    kind: 'job',
    id: job.id,
    body: '"later"',
    headers: { a: 'ä', b: '' },
    priority: 3,
    attempt: 2,
    note: 'näher',
    enqueuedAt: first.enqueuedAt,
  });
  // The first, and at least the hops that are left after 100 ms each.
  const hops = await recordsOf(url, topics.delay, 4);
  expect(new Set(hops.map(({ key }) => String(key)))).toEqual(new Set([job.id]));
  const [begin, ...others] = hops.toSorted((a, b) => takenAt(a) - takenAt(b));
  expect(headersOf(begin!)).toMatchObject({ 'switchyard-wait': '700' });
  const dueAt = takenAt(begin!) + 700;
  for (const hop of others) expect(headersOf(hop)).toMatchObject({ 'switchyard-due-at': String(dueAt) });
  const due = await recordsOf(url, topics.main, 2);
  expect(Math.max(...due.map(takenAt))).toBeGreaterThanOrEqual(dueAt);
});

it.concurrent('a delay of less than the smallest step is waited for as it is', async () => {
  await using scene = await openStore({ settings: { delaySteps: [2000] } });
  const delays = await addDelayed(scene, [50]);
  await takeAll(scene.queue, 1);
  const [late] = await latenesses(scene, delays);
  expect(late).toBeGreaterThanOrEqual(0);
  // Not for the whole step.
  expect(late).toBeLessThan(1950);
});

it.concurrent('a short delay does not wait behind a long one', async () => {
  await using scene = await openStore();
  await scene.queue.enqueue([newJob({ delayMs: 86_400_000 }), newJob({ delayMs: 3_600_000 })], IN_TIME);
  const delays = await addDelayed(scene, [300]);
  expect(await takeAll(scene.queue, 1)).toMatchObject([{ id: [...delays.keys()][0] }]);
  expect(await scene.queue.counts()).toEqual({ waiting: 0, delayed: 2, active: 0 });
});

it('2000 delayed jobs all come, once, and none of them early', async () => {
  await using scene = await openStore();
  const delays = await addDelayed(
    scene,
    Array.from({ length: 2000 }, (_, n) => 500 + n),
  );
  const taken = await takeAll(scene.queue, 2000);
  expect(new Set(taken.map(({ id }) => id))).toEqual(new Set(delays.keys()));
  expect(taken).toHaveLength(2000);
  const late = (await latenesses(scene, delays)).toSorted((a, b) => a - b);
  console.log(`2000 delayed jobs: ${late[1000]} ms late at p50, ${late[1980]} at p99, ${late[1999]} at most`);
  expect(late[0]).toBeGreaterThanOrEqual(0);
});

describe('a process whose clock is wrong', () => {
  afterEach(() => vi.useRealTimers());

  it.each([
    ['ten minutes fast', 600_000],
    ['ten minutes slow', -600_000],
  ])('by being %s starts nothing early, and nothing much later', async (_, wrongByMs) => {
    await using scene = await openStore({ settings: { delaySteps: [50, 100, 500] } });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + wrongByMs, shouldAdvanceTime: false });
    const delays = await addDelayed(scene, [700, 60, 1200]);
    const { queue } = scene;
    expect(Date.now() - (await takeOne(queue)).enqueuedAt).toSatisfy((ms: number) => Math.abs(ms - wrongByMs) < 60_000);
    await takeOne(queue);
    await takeOne(queue);
    vi.useRealTimers();
    for (const late of await latenesses(scene, delays)) {
      expect(late).toBeGreaterThanOrEqual(0);
      expect(late).toBeLessThanOrEqual(250 + MACHINE_SLACK_MS);
    }
  });
});
