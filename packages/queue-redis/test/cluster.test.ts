import { randomUUID } from 'node:crypto';
import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { redisAdapter } from '@switchyard/queue-redis';
import { testRedisCluster } from '@switchyard/test-servers';
import { Cluster } from 'ioredis';
import { afterAll } from 'vitest';
import { queueKeys } from '../src/keys.ts';

const cluster = await testRedisCluster();
afterAll(() => cluster.remove());
const nodes = cluster.nodes.map(({ url }) => url);
const keyPrefix = `kit-${randomUUID()}`;

describeAdapter('Redis Cluster', {
  adapter: redisAdapter,
  config: { cluster: { nodes: nodes.slice(0, 1) }, keyPrefix },
  concurrent: true,
  async injectForeign(queue, bytes) {
    const client = new Cluster(nodes);
    const [ready = ''] = queueKeys(keyPrefix, queue).keys;
    await client.zadd(ready, 20, Buffer.from(bytes));
    client.disconnect();
  },
});
