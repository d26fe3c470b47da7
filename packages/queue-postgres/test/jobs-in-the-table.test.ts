import { PgBoss } from 'pg-boss';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { queueName } from '../src/queue-name.ts';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';

describe('what lies in the table', () => {
  it('is nothing once a job is done', async () => {
    await using scene = await openStore();
    const { queue, rows } = scene;
    await queue.enqueue([newJob(), newJob({ delayMs: 5 })], IN_TIME);
    for (let left = 2; left > 0; left--) {
      const [delivery] = await reserve(queue, { waitMs: 1000 });
      await queue.settle([{ kind: 'ack', receipt: delivery!.receipt }], IN_TIME);
    }
    expect(await rows()).toEqual([]);
  });

  it('is kept for ever while it waits, and never taken back by pg-boss', async () => {
    await using scene = await openStore();
    const { queue, client, schema, rows } = scene;
    await queue.enqueue([newJob(), newJob()], IN_TIME);
    await reserve(queue);
    await client.query(
      `UPDATE ${schema}.job SET source_created_on = now() - interval '1 year', started_on = now() - interval '1 year'`,
    );
    const boss = new PgBoss({ connectionString: (await testServer('postgres')).url, schema, schedule: false });
    await boss.start();
    await boss.supervise('test/work');
    await boss.stop({ graceful: false });
    expect((await rows()).map(({ state }) => state).toSorted()).toEqual(['active', 'created']);
  });

  it('of a dead letter says why, when and how often, until it is old enough', async () => {
    await using scene = await openStore({}, { maxAgeMs: 5000 });
    const { queue, client, schema, rows } = scene;
    const note = JSON.stringify({ error: 'nul \0 and \ud800' });
    await queue.enqueue([newJob({ headers: { a: 'b' } }), newJob()], IN_TIME);
    const deliveries = await reserve(queue, { max: 2 });
    await queue.settle(
      deliveries.map(({ receipt }) => ({ kind: 'dead', receipt, note })),
      IN_TIME,
    );
    expect(await rows()).toEqual([
      expect.objectContaining({
        state: 'failed',
        output: { note: JSON.stringify(note) },
        retry_count: 1,
        completed_on: expect.any(Date),
      }),
      expect.objectContaining({ state: 'failed', deletion_seconds: 5 }),
    ]);
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, dead: 2 });
    await client.query(`UPDATE ${schema}.job SET completed_on = now() - interval '6 seconds' WHERE id = $1`, [
      (await rows())[0].id,
    ]);
    const boss = new PgBoss({ connectionString: (await testServer('postgres')).url, schema, schedule: false });
    await boss.start();
    await boss.supervise('test/work');
    await boss.stop({ graceful: false });
    expect(await rows()).toHaveLength(1);
  });

  it('is left alone where pg-boss itself has put it, if it is no job of ours, and its neighbours run', async () => {
    await using scene = await openStore();
    const { queue, schema } = scene;
    const boss = new PgBoss({ connectionString: (await testServer('postgres')).url, schema, schedule: false });
    await boss.start();
    const id = await boss.send('test/work', { hello: 'world' });
    await queue.enqueue([newJob()], IN_TIME);
    const deliveries = await reserve(queue, { max: 5 });
    expect(deliveries.map(({ kind }) => kind).toSorted()).toEqual(['job', 'unreadable']);
    const foreign = deliveries.find(({ kind }) => kind === 'unreadable')!;
    await queue.settle([{ kind: 'dead', receipt: foreign.receipt, note: 'not ours' }], IN_TIME);
    const [job] = await boss.findJobs('test/work', { id: id as string });
    expect(job).toMatchObject({ state: 'failed', data: { hello: 'world' } });
    await boss.stop({ graceful: false });
  });
});

describe('a lease', () => {
  it('is found again after its row has moved, and renewed or settled there', async () => {
    await using scene = await openStore();
    const { queue, client, schema } = scene;
    await queue.enqueue([newJob(), newJob(), newJob()], IN_TIME);
    const [first, second, third] = await reserve(queue, { max: 3 });
    await client.query(`UPDATE ${schema}.job SET policy = 'standard'`);
    await client.query(`VACUUM FULL ${schema}.job_common`);
    expect(await queue.extend([first!.receipt], 1000, IN_TIME)).toEqual([{ ok: true }]);
    expect(await queue.settle([{ kind: 'ack', receipt: first!.receipt }], IN_TIME)).toEqual([{ ok: true }]);
    const { outcomes } = await queue.exchange!(
      [
        { kind: 'ack', receipt: second!.receipt },
        { kind: 'retry', receipt: third!.receipt, delayMs: 0, note: 'n' },
        { kind: 'ack', receipt: first!.receipt },
      ],
      { max: 1, leaseMs: 1000, ...IN_TIME },
    );
    expect(outcomes).toEqual([{ ok: true }, { ok: true }, { ok: false, code: 'lease-lost' }]);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
  });

  it('that has ended is fenced off beside the one that the same worker got next', async () => {
    await using scene = await openStore();
    const { queue } = scene;
    await queue.enqueue([newJob()], IN_TIME);
    const [old] = await reserve(queue, { leaseMs: 20 });
    const [next] = await reserve(queue, { waitMs: 1000 });
    const receipts = [old!.receipt, next!.receipt];
    expect(await queue.extend(receipts, 1000, IN_TIME)).toEqual([{ ok: false, code: 'lease-lost' }, { ok: true }]);
    expect(
      await queue.settle(
        receipts.map(receipt => ({ kind: 'ack', receipt })),
        IN_TIME,
      ),
    ).toEqual([{ ok: false, code: 'lease-lost' }, { ok: true }]);
  });

  it('is settled although it is renewed at the same moment', async () => {
    await using scene = await openStore();
    const { queue } = scene;
    for (let round = 0; round < 50; round++) {
      await queue.enqueue([newJob()], IN_TIME);
      const [delivery] = await reserve(queue);
      const { receipt } = delivery!;
      const [, settled] = await Promise.all([
        queue.extend([receipt], 30_000, IN_TIME),
        queue.settle([{ kind: 'ack', receipt }], IN_TIME),
      ]);
      expect(settled).toEqual([{ ok: true }]);
    }
  });
});

describe('time', () => {
  it("is the database's: a worker whose clock is an hour ahead takes no job early and loses no lease", async () => {
    await using scene = await openStore();
    const { queue } = scene;
    vi.useFakeTimers({ now: Date.now() + 3_600_000, toFake: ['Date'] });
    try {
      await queue.enqueue([newJob({ delayMs: 60_000 }), newJob()], IN_TIME);
      const [delivery] = await reserve(queue, { max: 2, leaseMs: 60_000 });
      expect(await reserve(queue, { max: 2 })).toEqual([]);
      expect(delivery).toMatchObject({ kind: 'job', attempt: 1 });
      expect((delivery as { enqueuedAt: number }).enqueuedAt).toBeLessThan(Date.now() - 3_500_000);
      expect(await queue.counts()).toEqual({ waiting: 0, delayed: 1, active: 1, dead: 0 });
    } finally {
      vi.useRealTimers();
    }
  });
});

it('gives no two queues the same name', () => {
  const names = [
    { plugin: 'a-b', name: 'c' },
    { plugin: 'a', name: 'b-c' },
    { plugin: '', name: 'x' },
    { plugin: '', name: 'x.dead' },
    { plugin: '', name: 'X' },
    { plugin: 'a/b', name: 'c' },
    { plugin: 'a.2f.b', name: 'c' },
    { plugin: 'a.b', name: 'c' },
    { plugin: 'a', name: 'b.c' },
    { plugin: 'ä', name: 'c' },
  ].map(queueName);
  expect(new Set(names).size).toBe(names.length);
  for (const name of names) expect(name).toMatch(/^[\w.\-/]+$/);
});
