import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { testServer } from '@switchyard/test-servers';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { Client } from 'pg';
import { queueName } from '../src/queue-name.ts';
import { ownSchema } from './own-schema.ts';

const { url } = await testServer('postgres');
const schema = ownSchema('kit');

describeAdapter('PostgreSQL', {
  adapter: postgresAdapter,
  config: { connection: url, schema },
  concurrent: true,
  async injectForeign(queue, bytes) {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(`INSERT INTO ${schema}.job (name, data) VALUES ($1, to_jsonb($2::text))`, [
      queueName(queue),
      Buffer.from(bytes).toString('base64'),
    ]);
    await client.end();
  },
});
