import type { ServerUnderTest } from '@switchyard/fault-kit';
import { ownServer } from '@switchyard/test-servers';
import { Client } from 'pg';
import { optionsFor } from './place.ts';

export const postgresUnderTest: ServerUnderTest = {
  server: 'postgres',
  launch: () => ownServer('postgres'),
  options: optionsFor,
  async killConnections(url) {
    const client = new Client({ connectionString: url });
    await client.connect();
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'`,
    );
    await client.end();
  },
  requests: { add: 'enqueue', reserve: 'lease job_common', settle: 'exchange' },
};
