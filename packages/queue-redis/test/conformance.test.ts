import { randomUUID } from 'node:crypto';
import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { testServer } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import { redisAdapter } from '@switchyard/queue-redis';
import { queueKeys } from '../src/keys.ts';

const { url } = await testServer('redis');
const keyPrefix = `kit-${randomUUID()}`;

describeAdapter('Redis', {
  adapter: redisAdapter,
  config: { connection: url, keyPrefix },
  concurrent: true,
  async injectForeign(queue, bytes) {
    const redis = new Redis(url);
    const [ready = ''] = queueKeys(keyPrefix, queue).keys;
    await redis.zadd(ready, 20, Buffer.from(bytes));
    redis.disconnect();
  },
});
