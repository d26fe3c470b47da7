import { randomUUID } from 'node:crypto';
import type { AdapterContext, AdapterReport, NewJob, StoreQueue } from '@switchyard/queue-api';
import { redisAdapter } from '@switchyard/queue-redis';
import { testServer } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import type { RedisConfig } from '../src/config.ts';

/** A connection with a prefix of its own, one queue in it, and a plain client to look at what lies there. */
export async function openStore(config: Partial<RedisConfig> = {}, caps: Partial<AdapterContext['deadLetters']> = {}) {
  const connection = config.connection ?? (await testServer('redis')).url;
  const keyPrefix = config.keyPrefix ?? `test-${randomUUID()}`;
  const reports: AdapterReport[] = [];
  const store = await redisAdapter.connect(
    { ...config, connection, keyPrefix },
    {
      instance: randomUUID(),
      deadLetters: { maxAgeMs: 1_000_000, maxCount: 1000, ...caps },
      report: report => void reports.push(report),
    },
  );
  const queue = await store.open({ plugin: 'test', name: 'work' });
  const redis = new Redis(connection, { lazyConnect: true });
  return {
    store,
    queue,
    redis,
    keyPrefix,
    reports,
    key: (part: string) => `${keyPrefix}:{test/work}:${part}`,
    async [Symbol.asyncDispose]() {
      redis.disconnect();
      await store.close({ timeoutMs: 1000 });
    },
  };
}

export function newJob(job: Partial<NewJob> = {}): NewJob {
  return { id: randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0, ...job };
}

export const IN_TIME = { timeoutMs: 5000 };

export function reserve(queue: StoreQueue, { max = 1, waitMs = 0, leaseMs = 30_000 } = {}) {
  return queue.reserve({ max, waitMs, leaseMs, signal: new AbortController().signal });
}
