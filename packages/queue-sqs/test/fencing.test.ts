import { expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, takeOne } from './open-store.ts';
import { refusal, requestProxy } from './request-proxy.ts';

/** Everything that would change a message. */
const CHANGES = ['DeleteMessage', 'ChangeMessageVisibility', 'SendMessage'];

it('whose lease has ended by our own clock asks SQS for nothing: AWS would take an old receipt and say it went well', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  const { receipt } = await takeOne(queue, { leaseMs: 1000 });
  const until = performance.now() + 1000;
  await vi.waitFor(() => expect(performance.now()).toBeGreaterThan(until), { timeout: 3000 });
  const before = proxy.seen.length;
  const outcomes = [
    ...(await queue.settle([{ kind: 'ack', receipt }], IN_TIME)),
    ...(await queue.settle([{ kind: 'retry', receipt, delayMs: 0, note: '' }], IN_TIME)),
    ...(await queue.settle([{ kind: 'release', receipt }], IN_TIME)),
    ...(await queue.settle([{ kind: 'dead', receipt, note: '' }], IN_TIME)),
    ...(await queue.extend([receipt], 30_000, IN_TIME)),
  ];
  expect(outcomes).toHaveLength(5);
  expect(outcomes).toEqual(outcomes.map(() => ({ ok: false, code: 'lease-lost' })));
  expect(proxy.seen.slice(before).filter(({ action }) => CHANGES.includes(action))).toEqual([]);
});

it('hides a message a little longer than our own lease lasts, however the seconds fall', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  const { receipt } = await takeOne(queue, { leaseMs: 30_000 });
  for (const leaseMs of [100, 2000, 2999]) await queue.extend([receipt], leaseMs, IN_TIME);
  const seconds = proxy.seen.flatMap(({ input: { VisibilityTimeout, Entries = [{ VisibilityTimeout }] } }) =>
    (Entries as { VisibilityTimeout?: number }[]).map(entry => entry.VisibilityTimeout),
  );
  expect(seconds.filter(each => each !== undefined)).toEqual([31, 1, 3, 3]);
});

it('a retry whose answer was lost is not said again once the job may be somebody else’s', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  await using other = await openStore({ name: scene.name });
  const { store, queue } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  const { receipt } = await takeOne(queue);
  proxy.decide = ({ action }) => (action === 'ChangeMessageVisibility' ? 'lose-reply' : 'pass');
  const retry = { kind: 'retry', receipt, delayMs: 0, note: '' } as const;
  const error = await queue.settle([retry], IN_TIME).catch((thrown: unknown) => thrown);
  expect(store.classify(error)).toBe('unknown-outcome');
  proxy.decide = () => 'pass';
  const elsewhere = await takeOne(other.queue);
  const before = proxy.seen.length;
  expect(await queue.settle([retry], IN_TIME)).toEqual([{ ok: false, code: 'lease-lost' }]);
  expect(proxy.seen).toHaveLength(before);
  expect(await other.queue.settle([{ kind: 'ack', receipt: elsewhere.receipt }], IN_TIME)).toEqual([{ ok: true }]);
});

it('a burial that is said again sends no second dead letter', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { store, queue, names, look } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  const { receipt } = await takeOne(queue);
  proxy.decide = ({ action }) => (action === 'DeleteMessage' ? refusal(503, 'ServiceUnavailable') : 'pass');
  const dead = { kind: 'dead', receipt, note: 'n' } as const;
  const error = await queue.settle([dead], IN_TIME).catch((thrown: unknown) => thrown);
  expect(store.classify(error)).toBe('unavailable');
  proxy.decide = () => 'pass';
  expect(await queue.settle([dead], IN_TIME)).toEqual([{ ok: true }]);
  expect(await look(names.dead)).toHaveLength(1);
  expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 });
});

it('a settlement waits for the renewal that is under way, and what is being settled is not renewed', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  await queue.enqueue([newJob()], IN_TIME);
  const { receipt } = await takeOne(queue);
  const extended = queue.extend([receipt], 30_000, IN_TIME);
  const released = queue.settle([{ kind: 'release', receipt }], IN_TIME);
  const late = queue.extend([receipt], 30_000, IN_TIME);
  expect(await extended).toEqual([{ ok: true }]);
  expect(await late).toEqual([{ ok: false, code: 'unavailable', message: expect.any(String) }]);
  expect(await released).toEqual([{ ok: true }]);
  const said = proxy.seen.flatMap(({ action, input: { Entries = [] } }) =>
    action === 'ChangeMessageVisibility' ? (Entries as { VisibilityTimeout: number }[]) : [],
  );
  expect(said.map(({ VisibilityTimeout }) => VisibilityTimeout)).toEqual([31, 0]);
  expect(await takeOne(queue)).toMatchObject({ kind: 'job' });
});

it('requests that fail in different ways speak for their own entries', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  let requests = 0;
  proxy.decide = ({ action }) => {
    if (action !== 'SendMessage') return 'pass';
    return requests++ === 0 ? refusal(503, 'ServiceUnavailable') : 'lose-reply';
  };
  const outcomes = await queue.enqueue(
    Array.from({ length: 20 }, () => newJob()),
    IN_TIME,
  );
  const codes = outcomes.map(outcome => (outcome.ok ? 'ok' : outcome.code));
  expect(codes.toSorted()).toEqual([...Array(10).fill('unavailable'), ...Array(10).fill('unknown-outcome')].toSorted());
});
