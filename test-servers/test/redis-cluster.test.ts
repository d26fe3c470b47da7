import { Cluster } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { testRedisCluster } from '@switchyard/test-servers';

test('three masters share the keys, and one of them can be killed and come back', async () => {
  await using cluster = await testRedisCluster();
  const client = new Cluster(
    cluster.nodes.map(({ address }) => address),
    { clusterRetryStrategy: () => 50, retryDelayOnClusterDown: 50, retryDelayOnFailover: 50, maxRedirections: 200 },
  );
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  const keys = Array.from({ length: 60 }, (_, number) => `key-${number}`);

  await Promise.all(keys.map(key => client.set(key, key)));
  const sizes = await Promise.all(client.nodes('master').map(node => node.dbsize()));
  expect(sizes).toHaveLength(3);
  expect(Math.min(...sizes)).toBeGreaterThan(0);

  const [first] = cluster.nodes;
  await first?.kill();
  await first?.start();
  await Promise.all(keys.map(key => client.set(key, 'again')));
  expect(await Promise.all(keys.map(key => client.get(key)))).toEqual(keys.map(() => 'again'));
});
