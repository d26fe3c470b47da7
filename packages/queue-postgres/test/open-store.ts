import { randomUUID } from 'node:crypto';
import type { AdapterContext, AdapterReport, NewJob, StoreQueue } from '@switchyard/queue-api';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { testServer } from '@switchyard/test-servers';
import { Client } from 'pg';
import { configSchema, type PostgresConfig } from '../src/config.ts';
import { ownSchema } from './own-schema.ts';

/** A store in a schema of its own, one queue in it, and a plain client to look at what lies there. */
export async function openStore(
  config: Partial<PostgresConfig> = {},
  context: Partial<AdapterContext['deadLetters']> = {},
) {
  const connection = config.connection ?? (await testServer('postgres')).url;
  const schema = config.schema ?? ownSchema('test');
  const reports: AdapterReport[] = [];
  const store = await postgresAdapter.connect(configSchema.parse({ ...config, connection, schema }), {
    instance: randomUUID(),
    deadLetters: { maxAgeMs: 1_000_000, maxCount: 1000, ...context },
    report: report => void reports.push(report),
  });
  const queue = await store.open({ plugin: 'test', name: 'work' });
  const client = await connectClient(connection as string);
  return {
    store,
    queue,
    client,
    schema,
    reports,
    /** The rows of the queue, in no order. */
    rows: async () => (await client.query(`SELECT * FROM ${schema}.job WHERE name = 'test/work'`)).rows,
    async [Symbol.asyncDispose]() {
      await client.end();
      await store.close({ timeoutMs: 1000 });
    },
  };
}

export async function connectClient(connectionString: string): Promise<Client> {
  const client = new Client({ connectionString });
  client.on('error', () => {});
  await client.connect();
  return client;
}

export function newJob(job: Partial<NewJob> = {}): NewJob {
  return { id: randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0, ...job };
}

export const IN_TIME = { timeoutMs: 5000 };

export function reserve(queue: StoreQueue, { max = 1, waitMs = 0, leaseMs = 30_000 } = {}) {
  return queue.reserve({ max, waitMs, leaseMs, signal: new AbortController().signal });
}
