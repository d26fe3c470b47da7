import { createQueueService } from '@switchyard/queue-service';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { connectClient, IN_TIME, newJob, openStore, reserve } from './open-store.ts';
import { ownSchema } from './own-schema.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

/** A worker that is busy, and who gives it work. */
async function busyQueue(url: string, addTimeout = 10_000) {
  const schema = ownSchema('trouble');
  const service = createQueueService({
    adapters: [postgresAdapter],
    defaultStore: 'postgres',
    postgres: { connection: url, schema },
    leaseDuration: 3000,
    addTimeout,
    logger: QUIET,
  });
  const queue = await service.getQueue('busy');
  const ran: string[] = [];
  queue.process(({ id }) => void ran.push(id), { concurrency: 5 });
  const added: string[] = [];
  const addSome = async (count: number) => {
    for (let n = 0; n < count; n++) added.push(await queue.add({ n }));
  };
  const allRan = () => vi.waitFor(() => expect(added.filter(id => !ran.includes(id))).toEqual([]), { timeout: 20_000 });
  await addSome(5);
  await allRan();
  return { service, queue, schema, addSome, allRan, ran, added };
}

describe('PostgreSQL in trouble', () => {
  it(
    'whose job table is locked for a while keeps workers and callers waiting, and no longer',
    { timeout: 60_000 },
    async () => {
      const { url } = await testServer('postgres');
      const { service, schema, addSome, allRan, ran, added } = await busyQueue(url, 30_000);
      const client = await connectClient(url);
      await client.query(`BEGIN; LOCK TABLE ${schema}.job_common IN ACCESS EXCLUSIVE MODE`);
      const adding = addSome(20);
      await new Promise(resolve => setTimeout(resolve, 10_000));
      await client.query('COMMIT');
      await adding;
      await allRan();
      expect(new Set(ran).size).toBe(added.length);
      await client.end();
      await service.close();
    },
  );

  it('that stops statements after a while is asked again', { timeout: 60_000 }, async () => {
    const { url } = await testServer('postgres');
    await using scene = await openStore();
    await scene.client.query(`BEGIN; LOCK TABLE ${scene.schema}.job_common IN ACCESS EXCLUSIVE MODE`);
    const admin = await connectClient(url);
    const adding = scene.queue.enqueue([newJob()], { timeoutMs: 10_000 }).catch((error: unknown) => error);
    await vi.waitFor(async () => {
      const { rowCount } = await admin.query(
        `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE '%INSERT%${scene.schema}%' AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()`,
      );
      expect(rowCount).toBe(1);
    });
    expect(scene.store.classify(await adding)).toBe('unavailable');
    await scene.client.query('COMMIT');
    await admin.end();
    expect(await scene.queue.enqueue([newJob()], IN_TIME)).toEqual([{ ok: true }]);
  });

  it('that has no connection left refuses in bounded time, and is used again once there is one', async () => {
    const { url } = await testServer('postgres');
    const role = ownSchema('limited');
    const admin = await connectClient(url);
    await admin.query(`CREATE ROLE ${role} LOGIN; GRANT CREATE ON DATABASE postgres TO ${role}`);
    const { service, queue, addSome, allRan } = await busyQueue(url.replace('postgres@', `${role}@`), 2000);
    await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT 0`);
    await admin.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [role]);
    await expect(queue.add({})).rejects.toMatchObject({ code: 'unavailable' });
    await admin.query(`ALTER ROLE ${role} CONNECTION LIMIT -1`);
    await vi.waitFor(() => addSome(1), { timeout: 20_000 });
    await allRan();
    await admin.end();
    await service.close();
  });

  it(
    'that ends the connection which listens is listened to again, and no job waits for long',
    { timeout: 60_000 },
    async () => {
      await using scene = await openStore();
      await using elsewhere = await openStore({ schema: scene.schema });
      const listening = `SELECT pid FROM pg_stat_activity WHERE query LIKE '%pg_advisory_lock_shared%' AND pid IN
      (SELECT pid FROM pg_locks WHERE locktype = 'advisory') AND pid <> pg_backend_pid()`;
      for (let round = 0; round < 3; round++) {
        const answer = reserve(scene.queue, { waitMs: 20_000 });
        await vi.waitFor(async () => expect((await scene.client.query(listening)).rowCount).toBeGreaterThan(0), {
          timeout: 5000,
        });
        await scene.client.query(`SELECT pg_terminate_backend(pid) FROM (${listening}) listeners`);
        await elsewhere.queue.enqueue([newJob()], IN_TIME);
        const begin = performance.now();
        expect(await answer).toHaveLength(1);
        expect(performance.now() - begin).toBeLessThan(3000);
      }
    },
  );
});

describe('messages', () => {
  it('are sent only while somebody listens', async () => {
    const { url } = await testServer('postgres');
    await using scene = await openStore();
    const ear = await connectClient(url);
    const heard: string[] = [];
    ear.on('notification', ({ payload = '' }) => heard.push(payload));
    await ear.query(`LISTEN switchyard_${scene.schema}`);
    await scene.queue.enqueue([newJob(), newJob({ delayMs: 60_000 })], IN_TIME);
    await reserve(scene.queue);
    await ear.query('SELECT');
    expect(heard).toEqual([]);
    const waiting = reserve(scene.queue, { waitMs: 10_000 });
    await vi.waitFor(async () => {
      await using elsewhere = await openStore({ schema: scene.schema });
      await elsewhere.queue.enqueue([newJob(), newJob()], IN_TIME);
      await ear.query('SELECT');
      expect(heard).toContain('0 test/work');
    });
    expect(await waiting).toHaveLength(1);
    await ear.end();
  });
});
