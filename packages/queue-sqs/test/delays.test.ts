import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';
import { denial, refusal, requestProxy } from './request-proxy.ts';

/** What are fifteen minutes at SQS. */
const HOP_MS = 1000;

it('a delay of several hops ends in time, and the job is what it was', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url, limits: { delayMs: HOP_MS } });
  const { queue } = scene;
  const job = newJob({ body: '"later"', headers: { a: 'b' }, priority: 3, delayMs: 4 * HOP_MS });
  const before = Date.now();
  const since = performance.now();
  await queue.enqueue([job], IN_TIME);
  const delivery = await takeOne(queue, { waitMs: 20_000 });
  const waited = performance.now() - since;
  expect(waited).toBeGreaterThanOrEqual(4 * HOP_MS);
  // Each hop may be rounded up to a second and be received a moment late.
  expect(waited).toBeLessThan(4 * HOP_MS + 5000);
  const { id, body, headers, priority, attempt, enqueuedAt } = delivery;
  expect({ id, body, headers, priority, attempt }).toEqual({ ...job, attempt: 1, delayMs: undefined });
  expect(enqueuedAt).toBeLessThan(before + HOP_MS);
  await queue.settle([{ kind: 'ack', receipt: delivery.receipt }], IN_TIME);
  await vi.waitFor(async () => expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
  // The first, and three hops; the ends of long delays meet no earlier than that.
  expect(proxy.count('SendMessage')).toBeGreaterThanOrEqual(4);
});

it('a delay of a year is sent ahead by as much as SQS can, and what is left of it stands in the message', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const year = 365 * 24 * 60 * 60 * 1000;
  await scene.queue.enqueue([newJob({ delayMs: year })], IN_TIME);
  const sent = proxy.seen.find(({ action }) => action === 'SendMessage')?.input['Entries'] as Record<string, unknown>[];
  expect(sent).toMatchObject([{ DelaySeconds: 900 }]);
  expect(JSON.stringify(sent)).toContain(String(year));
  expect(await scene.queue.counts()).toEqual({ waiting: 0, delayed: 1, active: 0 });
});

it('a retry after a delay counts on, and the delay is not served twice', async () => {
  await using scene = await openStore({ limits: { delayMs: HOP_MS } });
  const { queue } = scene;
  await queue.enqueue([newJob({ delayMs: 2 * HOP_MS })], IN_TIME);
  const first = await takeOne(queue, { waitMs: 20_000 });
  await queue.settle([{ kind: 'retry', receipt: first.receipt, delayMs: 0, note: '' }], IN_TIME);
  const second = await takeOne(queue, { waitMs: 20_000 });
  expect([first.attempt, second.attempt]).toEqual([1, 2]);
});

it('neighbours of a job that hops are handed out at once', async () => {
  await using scene = await openStore({ limits: { delayMs: HOP_MS } });
  const { queue } = scene;
  await queue.enqueue([newJob({ delayMs: 60_000 })], IN_TIME);
  await vi.waitFor(async () => expect((await queue.counts()).waiting).toBe(1), { timeout: 5000 });
  const ready = newJob();
  await queue.enqueue([ready], IN_TIME);
  expect((await takeOne(queue)).id).toBe(ready.id);
});

it('a hop that is refused, or whose answer is lost, is made all the same', { timeout: 60_000 }, async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url, limits: { delayMs: HOP_MS } });
  const { queue, reports } = scene;
  const job = newJob({ delayMs: 3 * HOP_MS });
  await queue.enqueue([job], IN_TIME);
  const troubles = { SendMessage: 2, DeleteMessage: 2 };
  proxy.decide = ({ action }) => {
    if (!(action in troubles) || troubles[action as keyof typeof troubles]-- <= 0) return 'pass';
    return { status: 400, body: { __type: 'com.amazonaws.sqs#ThrottlingException', message: 'slow down' } };
  };
  const delivery = await takeOne(queue, { waitMs: 30_000 });
  expect(delivery).toMatchObject({ id: job.id, attempt: 1 });
  expect(troubles.DeleteMessage).toBeLessThanOrEqual(0);
  expect(reports.map(({ code }) => code)).toContain('hop-failed');
  await queue.settle([{ kind: 'ack', receipt: delivery.receipt }], IN_TIME);
  await vi.waitFor(async () => expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
});

it(
  'a worker that is killed between sending the copy and deleting the message loses nothing',
  { timeout: 60_000 },
  async () => {
    await using proxy = await requestProxy();
    await using scene = await openStore({ limits: { delayMs: HOP_MS } });
    const { queue, name } = scene;
    const job = newJob({ delayMs: 3 * HOP_MS });
    const since = performance.now();
    await queue.enqueue([job], IN_TIME);
    proxy.decide = ({ action }) => (action === 'DeleteMessage' ? 'swallow' : 'pass');
    const program = fileURLToPath(new URL('programs/reserve.ts', import.meta.url));
    const settings = { endpoint: proxy.url, name, delayMs: HOP_MS, leaseMs: 1000 };
    const worker = spawn(process.execPath, [program, JSON.stringify(settings)], { stdio: 'inherit' });
    const ended = once(worker, 'close');
    await vi.waitFor(() => expect(proxy.count('DeleteMessage')).toBe(1), { timeout: 20_000 });
    worker.kill('SIGKILL');
    await ended;

    // It is there twice now.
    const came: string[] = [];
    while (came.length < 2) {
      const [delivery] = await reserve(queue, { waitMs: 20_000 });
      expect(performance.now() - since).toBeGreaterThanOrEqual(3 * HOP_MS);
      if (delivery?.kind !== 'job') throw new Error(`${came.length} of two messages came`);
      came.push(delivery.id);
      await queue.settle([{ kind: 'ack', receipt: delivery.receipt }], IN_TIME);
    }
    expect(came).toEqual([job.id, job.id]);
    await vi.waitFor(async () => expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
  },
);

/** Early, again and again, while nothing can be sent on: SQS counts each time. */
it('hops that fail use no attempt', { timeout: 60_000 }, async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url, limits: { delayMs: HOP_MS, invisibleMs: 3000 } });
  const { queue } = scene;
  const job = newJob({ delayMs: 6 * HOP_MS });
  const since = performance.now();
  await queue.enqueue([job], IN_TIME);
  let received = 0;
  proxy.decide = ({ action }) => {
    if (action !== 'SendMessage' || performance.now() - since > 5 * HOP_MS) return 'pass';
    received++;
    return refusal(400, 'ThrottlingException');
  };
  const delivery = await takeOne(queue, { waitMs: 50_000, leaseMs: 500 });
  expect(performance.now() - since).toBeGreaterThanOrEqual(6 * HOP_MS);
  expect(received).toBeGreaterThan(1);
  expect(delivery).toMatchObject({ id: job.id, attempt: 1 });
  await queue.settle([{ kind: 'ack', receipt: delivery.receipt }], IN_TIME);
});

it('where deleting is denied, a delayed job does not multiply', { timeout: 60_000 }, async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url, limits: { delayMs: HOP_MS } });
  const { queue } = scene;
  await queue.enqueue([newJob({ delayMs: 3_600_000 })], IN_TIME);
  proxy.decide = ({ action }) => (action === 'DeleteMessage' ? denial(action) : 'pass');
  expect(await reserve(queue, { waitMs: 10_000, leaseMs: 500 })).toEqual([]);
  const { waiting, delayed, active } = await queue.counts();
  expect(waiting + delayed + active).toBeLessThanOrEqual(2);
});

it('what cannot be sent on is not gathered without end', { timeout: 60_000 }, async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url, limits: { delayMs: HOP_MS } });
  const { queue } = scene;
  for (let batch = 0; batch < 5; batch++) {
    await queue.enqueue(
      Array.from({ length: 100 }, () => newJob({ delayMs: 3_600_000 })),
      IN_TIME,
    );
  }
  proxy.decide = ({ action }) => (action === 'SendMessage' ? refusal(400, 'ThrottlingException') : 'pass');
  await reserve(queue, { max: 10, waitMs: 2500, leaseMs: 60_000 });
  expect((await queue.counts()).active).toBeLessThanOrEqual(110);
});
