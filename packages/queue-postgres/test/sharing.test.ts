import { postgresAdapter } from '@switchyard/queue-postgres';
import { QueueManager } from '@switchyard/queue-service';
import { testServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { connectClient } from './open-store.ts';
import { ownSchema } from './own-schema.ts';

const POOL_SIZE = 3;
const QUEUES_PER_PLUGIN = 10;

it('shares one pool, one listener and one pg-boss among all plugins and queues of the process', async () => {
  const { url } = await testServer('postgres');
  const admin = await connectClient(url);
  const schema = ownSchema('shared');
  const postgres = { connection: url, schema, poolSize: POOL_SIZE };
  const config = { getOptional: () => ({ defaultStore: 'postgres', postgres }) };
  const manager = QueueManager.fromConfig(config, { adapters: [postgresAdapter] });
  const ran: string[] = [];
  let most = 0;
  try {
    const names = ['mailer', 'indexer'].flatMap(plugin =>
      Array.from({ length: QUEUES_PER_PLUGIN }, (_, number) => ({ plugin, name: `work-${number}` })),
    );
    await Promise.all(
      names.map(async ({ plugin, name }) => {
        const queue = await manager.forPlugin(plugin).getQueue<string>(name);
        // Each plugin has a queue of this name, and gets nothing of the other's.
        queue.process(job => void ran.push(`${plugin} ${name} ${job.payload}`), { concurrency: 5 });
        await queue.addBulk(Array.from({ length: 20 }, () => ({ payload: plugin })));
      }),
    );
    await vi.waitFor(
      async () => {
        const { rows } = await admin.query(
          `SELECT count(*)::int AS count FROM pg_stat_activity WHERE application_name LIKE 'switchyard-%' AND application_name IN
            (SELECT application_name FROM pg_stat_activity WHERE query LIKE '%${schema}%')`,
        );
        most = Math.max(most, rows[0].count);
        expect(ran).toHaveLength(names.length * 20);
      },
      { timeout: 20_000, interval: 20 },
    );
    expect(new Set(ran)).toEqual(new Set(names.map(({ plugin, name }) => `${plugin} ${name} ${plugin}`)));
    expect(most).toBeGreaterThan(1);
    expect(most).toBeLessThanOrEqual(POOL_SIZE + 1);
    const { rows } = await admin.query(`SELECT count(*)::int AS count FROM ${schema}.instance`);
    expect(rows[0].count).toBe(1);
  } finally {
    await manager.shutdown();
    await admin.end();
  }
});
