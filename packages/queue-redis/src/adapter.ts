import { ADAPTER_CONTRACT, type QueueAdapter } from '@switchyard/queue-api';
import { configSchema, type RedisConfig } from './config.ts';
import { connectRedisStore } from './redis-store.ts';

/** The store in Redis or Valkey: `defaultStore: redis`. */
export const redisAdapter: QueueAdapter<RedisConfig> = {
  contract: ADAPTER_CONTRACT,
  store: 'redis',
  config: configSchema,
  connect: connectRedisStore,
};
