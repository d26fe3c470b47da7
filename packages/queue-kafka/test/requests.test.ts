import { randomUUID } from 'node:crypto';
import { setTimeout as elapse } from 'node:timers/promises';
import { createQueueService } from '@switchyard/queue-service';
import { testServer } from '@switchyard/test-servers';
import { expect, it, onTestFinished, vi } from 'vitest';
import { kafkaAdapter } from '../src/index.ts';
import { IN_TIME, newJob, openStore, reserve, takeOne } from './open-store.ts';
import { RequestLog } from './request-log.ts';

const { url } = await testServer('kafka');
const QUEUES = 5;
const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

function openService() {
  const kafka = { brokers: url, partitions: 2 };
  const service = createQueueService({ adapters: [kafkaAdapter], defaultStore: 'kafka', kafka, logger: QUIET });
  onTestFinished(() => service.close());
  return service;
}

it('a queue that is idle, but for a job that waits for long, costs one fetch at a time and two heartbeats a second', async () => {
  await using scene = await openStore();
  await scene.queue.enqueue([newJob({ delayMs: 3_600_000 }), newJob({ delayMs: 150 })], IN_TIME);
  const { receipt } = await takeOne(scene.queue);
  await scene.queue.settle([{ kind: 'ack', receipt }], IN_TIME);
  using log = new RequestLog();
  const waiting = reserve(scene.queue, { waitMs: 6000 });
  await vi.waitFor(() => expect(log.since(0)).toMatchObject({ OffsetCommit: 1, Heartbeat: 2 }), { timeout: 5000 });
  const since = performance.now();
  await elapse(3000);
  const { Heartbeat = 0, Fetch = 0, ...others } = log.since(since);
  expect(others).toEqual({});
  expect(Heartbeat).toBeLessThanOrEqual(7);
  // One is answered after five seconds, also where there are two because a partition had no room for a moment.
  expect(Fetch).toBeLessThanOrEqual(2);
  await scene.queue.enqueue([newJob()], IN_TIME);
  expect(await waiting).toHaveLength(1);
});

it('a process that only adds has two connections to a broker, however many queues it has', async () => {
  const names = Array.from({ length: QUEUES }, () => `work-${randomUUID()}`);
  // To make topics takes one more, once.
  await using made = await openStore({ name: names[0]! });
  for (const name of names) await made.store.open({ plugin: 'test', name });
  using log = new RequestLog();
  await using scene = await openStore({ name: names[0]! });
  for (const name of names) {
    const queue = await scene.store.open({ plugin: 'test', name });
    await queue.enqueue([newJob(), newJob({ delayMs: 1000 })], IN_TIME);
  }
  expect(log.connections).toMatchObject({ Produce: 1, Metadata: 1 });
  expect(log.allConnections).toBe(2);
});

it('a queue that is worked on has connections of its own only for what waits', async () => {
  using log = new RequestLog();
  await using scene = await openStore();
  const queues = [scene.queue];
  while (queues.length < QUEUES) queues.push(await scene.store.open({ plugin: 'test', name: `work-${randomUUID()}` }));
  for (const queue of queues) {
    await queue.enqueue([newJob()], IN_TIME);
    const { receipt } = await takeOne(queue);
    await queue.settle([{ kind: 'ack', receipt }], IN_TIME);
  }
  await vi.waitFor(() => {
    const { OffsetCommit = 0, Heartbeat = 0 } = log.since(0);
    expect([OffsetCommit >= QUEUES, Heartbeat >= QUEUES]).toEqual([true, true]);
  });
  expect(log.connections).toMatchObject({ Produce: 1, Metadata: 1, Heartbeat: 1, OffsetCommit: 1, JoinGroup: QUEUES });
  expect(log.connections['Fetch']).toBeLessThanOrEqual(2 * QUEUES);
});

it('adds that are under way together leave together', async () => {
  const service = openService();
  const queue = await service.getQueue(`work-${randomUUID()}`);
  await queue.add(0);
  using log = new RequestLog();
  await Promise.all(Array.from({ length: 1000 }, (_, n) => queue.add(n)));
  const { Produce = 0 } = log.since(0);
  console.log(`1000 adds that are under way together take ${Produce} requests`);
  expect(Produce).toBeLessThanOrEqual(50);
});

it('jobs that are done together are committed together', async () => {
  const service = openService();
  const queue = await service.getQueue(`work-${randomUUID()}`);
  await queue.addBulk(Array.from({ length: 2000 }, (_, n) => ({ payload: n })));
  using log = new RequestLog();
  let completed = 0;
  queue.on('completed', () => void completed++);
  queue.process(() => {}, { concurrency: 10 });
  await vi.waitFor(() => expect(completed).toBe(2000), { timeout: 20_000 });
  const { OffsetCommit = 0, Fetch = 0, Produce = 0 } = log.since(0);
  console.log(`2000 jobs take ${OffsetCommit} commits and ${Fetch} fetches`);
  expect(OffsetCommit).toBeLessThanOrEqual(200);
  expect(Produce).toBe(0);
});
