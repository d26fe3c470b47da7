import { createQueueService } from '@switchyard/queue-service';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { testPgBouncer, testServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { connectClient } from './open-store.ts';
import { ownSchema } from './own-schema.ts';

it('works through a pool that shares sessions by the transaction, says so once, and leaves no settings there', async () => {
  const { address } = await testServer('postgres');
  await using pool = await testPgBouncer(address);
  const warn = vi.fn<(message: string) => void>();
  const service = createQueueService({
    adapters: [postgresAdapter],
    defaultStore: 'postgres',
    postgres: { connection: pool.url, schema: ownSchema('pooled') },
    logger: { debug() {}, info() {}, warn, error: warn },
  });
  const queue = await service.getQueue('work');
  const ran: string[] = [];
  queue.process(
    ({ id, payload, attempt }) => {
      if (payload.fails && attempt === 1) throw new Error('once');
      ran.push(id);
    },
    { concurrency: 10 },
  );
  const jobs = Array.from({ length: 500 }, (_, n) => ({ payload: { fails: n % 100 === 0 } }));
  const ids = await queue.addBulk(jobs);
  await vi.waitFor(() => expect(ran.length).toBe(500), { timeout: 20_000 });
  expect(new Set(ran)).toEqual(new Set(ids));
  // One at a time, found by looking.
  const id = await queue.add({});
  await vi.waitFor(() => expect(ran).toContain(id), { timeout: 5000 });

  const client = await connectClient(pool.url);
  for (let look = 0; look < 10; look++) {
    const { rows } = await client.query('SHOW enable_seqscan');
    expect(rows).toEqual([{ enable_seqscan: 'on' }]);
  }
  await client.end();
  await service.close();
  expect(warn.mock.calls.map(([message]) => message)).toEqual([
    expect.stringContaining('shares connections by the transaction'),
  ]);
}, 60_000);
