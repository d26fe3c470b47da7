import { randomUUID } from 'node:crypto';
import { createQueueService } from '@switchyard/queue-service';
import { redisAdapter } from '@switchyard/queue-redis';
import { testRedisCluster } from '@switchyard/test-servers';
import { Cluster } from 'ioredis';
import { expect, it, vi } from 'vitest';
import { queueKeys } from '../src/keys.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

it('spreads queues over the nodes, and goes on by itself after a node was down', { timeout: 120_000 }, async () => {
  await using cluster = await testRedisCluster({ persistence: 'always' });
  const nodes = cluster.nodes.map(({ url }) => url);
  const keyPrefix = `cluster-${randomUUID()}`;
  const service = createQueueService({
    adapters: [redisAdapter],
    defaultStore: 'redis',
    redis: { cluster: { nodes }, keyPrefix },
    leaseDuration: 2000,
    addTimeout: 30_000,
    logger: QUIET,
  });
  const client = new Cluster(nodes);
  const slots = new Set<number>();
  const ran = new Set<string>();
  const queues = await Promise.all(
    Array.from({ length: 12 }, async (_, n) => {
      const queue = await service.getQueue(`queue-${n}`);
      queue.process(({ id }) => void ran.add(id), { concurrency: 5 });
      const [key = ''] = queueKeys(keyPrefix, { plugin: '', name: `queue-${n}` }).keys;
      slots.add(Math.floor((await client.cluster('KEYSLOT', key)) / (16_384 / 3)));
      return queue;
    }),
  );
  expect(slots.size, 'nodes with queues').toBe(3);
  client.disconnect();

  const added: string[] = [];
  const addToAll = async () => {
    const ids = await Promise.all(
      queues.map(queue => queue.addBulk(Array.from({ length: 20 }, () => ({ payload: {} })))),
    );
    added.push(...ids.flat());
  };
  await addToAll();
  for (const node of cluster.nodes) {
    await node.kill();
    // Those on the other nodes go through, these wait for theirs.
    const adding = addToAll();
    await node.start();
    await adding;
    // Idle workers, too, hear of new jobs, whichever node their connection was to.
    await vi.waitFor(() => expect(added.filter(id => !ran.has(id))).toEqual([]), { timeout: 20_000 });
    await addToAll();
    await vi.waitFor(() => expect(added.filter(id => !ran.has(id))).toEqual([]), { timeout: 20_000 });
  }
  await service.close();
});
