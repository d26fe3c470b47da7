import { expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, takeOne } from './open-store.ts';
import { requestProxy } from './request-proxy.ts';

/** What are twelve hours at SQS. */
const LONGEST_MS = 5000;

it(
  'a lease is renewed up to the end of what SQS allows, and lasts on from the last renewal',
  { timeout: 60_000 },
  async () => {
    await using scene = await openStore({ limits: { invisibleMs: LONGEST_MS } });
    await using other = await openStore({ name: scene.name });
    const { queue } = scene;
    await queue.enqueue([newJob()], IN_TIME);
    const { id, receipt } = await takeOne(queue, { leaseMs: 2000 });
    const since = performance.now();
    const stolen = takeOne(other.queue, { waitMs: 20_000 });
    let renewed = 0;
    await vi.waitFor(
      async () => {
        const [outcome] = await queue.extend([receipt], 1500, IN_TIME);
        if (outcome?.ok) renewed++;
        expect(outcome).toMatchObject({
          ok: false,
          code: 'rejected',
          message: expect.stringContaining('twelve hours'),
        });
      },
      { timeout: LONGEST_MS, interval: 200 },
    );
    expect(renewed).toBeGreaterThan(5);
    // Nobody else has it yet: there is time to finish.
    expect(performance.now() - since).toBeLessThan(LONGEST_MS);
    expect(await queue.settle([{ kind: 'ack', receipt }], IN_TIME)).toEqual([{ ok: true }]);
    await other.queue.enqueue([newJob()], IN_TIME);
    expect((await stolen).id).not.toBe(id);
  },
);

it('a retry that must wait beyond it is sent as a copy, which is the same job', { timeout: 60_000 }, async () => {
  await using scene = await openStore({ limits: { invisibleMs: LONGEST_MS, delayMs: 1000 } });
  const { queue } = scene;
  const job = newJob({ body: '"long"', headers: { a: 'b' } });
  await queue.enqueue([job], IN_TIME);
  const first = await takeOne(queue);
  const since = performance.now();
  const retry = { kind: 'retry', receipt: first.receipt, delayMs: LONGEST_MS + 1000, note: '' } as const;
  expect(await queue.settle([retry], IN_TIME)).toEqual([{ ok: true }]);
  expect(await queue.settle([{ kind: 'ack', receipt: first.receipt }], IN_TIME)).toEqual([
    { ok: false, code: 'lease-lost' },
  ]);
  const second = await takeOne(queue, { waitMs: 30_000 });
  expect(performance.now() - since).toBeGreaterThanOrEqual(LONGEST_MS + 1000);
  const { id, body, headers, enqueuedAt } = first;
  expect(second).toMatchObject({ id, body, headers, enqueuedAt, attempt: 2 });
  await queue.settle([{ kind: 'ack', receipt: second.receipt }], IN_TIME);
  await vi.waitFor(async () => expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 }));
});

it('what AWS refuses to hide for longer, because it counts from an earlier receive, is sent as a copy too', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  await queue.enqueue([newJob(), newJob()], IN_TIME);
  const [retried, extended] = [await takeOne(queue), await takeOne(queue)];
  proxy.decide = ({ action, input }) => {
    if (action !== 'ChangeMessageVisibility') return 'pass';
    const Message = 'Reason: Total VisibilityTimeout for the message is beyond the limit [43200 seconds].';
    const Failed = (input['Entries'] as { Id: string }[]).map(({ Id }) => ({
      Id,
      SenderFault: true,
      Code: 'InvalidParameterValue',
      Message,
    }));
    return { status: 200, body: { Successful: [], Failed } };
  };
  expect(await queue.extend([extended.receipt], 30_000, IN_TIME)).toMatchObject([{ ok: false, code: 'rejected' }]);
  const retry = { kind: 'retry', receipt: retried.receipt, delayMs: 1000, note: '' } as const;
  expect(await queue.settle([retry], IN_TIME)).toEqual([{ ok: true }]);
  expect(await takeOne(queue)).toMatchObject({ id: retried.id, attempt: 2 });
  // The lease that could not be renewed lasts as long as it did.
  expect(await queue.settle([{ kind: 'ack', receipt: extended.receipt }], IN_TIME)).toEqual([{ ok: true }]);
});
