import { setTimeout as elapse } from 'node:timers/promises';
import { expect, it, vi } from 'vitest';
import { asJob, IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';
import { requestProxy } from './request-proxy.ts';

it('a poll that nobody waits for any more is not cancelled, and what it brings is given back', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  await using other = await openStore({ name: scene.name });
  const { queue } = scene;
  const stop = new AbortController();
  const reserved = queue.reserve({ max: 1, leaseMs: 30_000, waitMs: 20_000, signal: stop.signal });
  await vi.waitFor(() => expect(proxy.count('ReceiveMessage')).toBe(1));
  stop.abort();
  expect(await reserved).toEqual([]);
  const job = newJob();
  await other.queue.enqueue([job], IN_TIME);
  // The open poll gets it first.
  await vi.waitFor(() => expect(proxy.count('ChangeMessageVisibility')).toBe(1));
  expect(await takeOne(other.queue)).toMatchObject({ id: job.id, attempt: 2 });
});

it('the next who asks for as much takes it over, and the job has used no more than one receive', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  const stop = new AbortController();
  const reserved = queue.reserve({ max: 5, leaseMs: 30_000, waitMs: 20_000, signal: stop.signal });
  await vi.waitFor(() => expect(proxy.count('ReceiveMessage')).toBe(1));
  stop.abort();
  await reserved;
  const again = reserve(queue, { max: 5, waitMs: 20_000 });
  await queue.enqueue([newJob()], IN_TIME);
  expect(asJob((await again)[0]).attempt).toBe(1);
  expect(proxy.count('ReceiveMessage')).toBe(1);
});

it('who has room for less, or asks for another lease, does not: the poll could bring more than there is room for', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { queue } = scene;
  const stop = new AbortController();
  const reserved = queue.reserve({ max: 5, leaseMs: 30_000, waitMs: 20_000, signal: stop.signal });
  await vi.waitFor(() => expect(proxy.count('ReceiveMessage')).toBe(1));
  stop.abort();
  await reserved;
  await reserve(queue, { max: 4, waitMs: 1000 });
  await reserve(queue, { max: 5, waitMs: 1000, leaseMs: 20_000 });
  expect(proxy.count('ReceiveMessage')).toBe(3);
});

it('the end of the connection waits for an open poll, in its time, and gives back what that brings', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  await using other = await openStore({ name: scene.name });
  const { store, queue } = scene;
  const reserved = reserve(queue, { waitMs: 20_000, leaseMs: 60_000 });
  await vi.waitFor(() => expect(proxy.count('ReceiveMessage')).toBe(1));
  const closing = store.close({ timeoutMs: 10_000 });
  expect(await reserved).toEqual([]);
  const job = newJob();
  await other.queue.enqueue([job], IN_TIME);
  await closing;
  expect(proxy.count('ChangeMessageVisibility')).toBe(1);
  expect((await takeOne(other.queue)).id).toBe(job.id);
});

it('the end of the connection does not wait longer than it may', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const reserved = reserve(scene.queue, { waitMs: 20_000 });
  await vi.waitFor(() => expect(proxy.count('ReceiveMessage')).toBe(1));
  const closing = scene.store.close({ timeoutMs: 200 }).then(() => 'closed');
  expect(await Promise.race([closing, elapse(5000, 'late')])).toBe('closed');
  expect(await reserved).toEqual([]);
});

it('long polls of many queues keep nobody from adding', async () => {
  await using proxy = await requestProxy();
  await using scene = await openStore({ endpoint: proxy.url });
  const { store, queue } = scene;
  // More than the SDK would open connections by itself.
  const others = await Promise.all(
    Array.from({ length: 60 }, (_, n) => store.open({ plugin: 'test', name: `${scene.name}-${n}` })),
  );
  const stop = new AbortController();
  const polls = others.map(other => other.reserve({ max: 1, leaseMs: 30_000, waitMs: 20_000, signal: stop.signal }));
  await vi.waitFor(() => expect(proxy.count('ReceiveMessage')).toBe(60), { timeout: 10_000 });
  expect(await queue.enqueue([newJob()], IN_TIME)).toEqual([{ ok: true }]);
  stop.abort();
  await Promise.all(polls);
});
