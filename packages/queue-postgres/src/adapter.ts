import { ADAPTER_CONTRACT, type QueueAdapter } from '@switchyard/queue-api';
import { configSchema, type PostgresConfig } from './config.ts';
import { connectPostgresStore } from './postgres-store.ts';

/** The store in PostgreSQL: `defaultStore: postgres`. */
export const postgresAdapter: QueueAdapter<PostgresConfig> = {
  contract: ADAPTER_CONTRACT,
  store: 'postgres',
  config: configSchema,
  connect: connectPostgresStore,
};
