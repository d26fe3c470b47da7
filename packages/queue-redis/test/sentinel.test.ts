import { randomUUID } from 'node:crypto';
import { runConformance } from '@switchyard/queue-conformance';
import { createQueueService } from '@switchyard/queue-service';
import { redisAdapter } from '@switchyard/queue-redis';
import { testRedisSentinel } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { Redis } from 'ioredis';

it('works through sentinels, and goes on by itself after a failover', { timeout: 120_000 }, async () => {
  await using servers = await testRedisSentinel();
  const sentinel = { name: servers.name, sentinels: servers.sentinels.map(({ url }) => url) };
  const redis = { sentinel, keyPrefix: `sentinel-${randomUUID()}` };
  const report = await runConformance(
    { adapter: redisAdapter, config: redis },
    { only: ['adding', 'fencing', 'waiting'] },
  );
  expect(report.results.filter(({ outcome }) => outcome === 'failed')).toEqual([]);

  const quiet = { debug() {}, info() {}, warn() {}, error() {} };
  const service = createQueueService({
    adapters: [redisAdapter],
    defaultStore: 'redis',
    redis,
    leaseDuration: 2000,
    addTimeout: 30_000,
    logger: quiet,
  });
  const queue = await service.getQueue('work');
  const ran = new Set<string>();
  queue.process(({ id }) => void ran.add(id), { concurrency: 5 });
  const added = await queue.addBulk(Array.from({ length: 100 }, () => ({ payload: {}, options: { delay: 1000 } })));
  // Replication follows the reply: what has not arrived yet would be lost, as the documentation says.
  const master = new Redis(servers.master.url);
  await master.set('marker', '1');
  expect(await master.wait(1, 5000)).toBe(1);
  master.disconnect();

  await servers.master.kill();
  added.push(await queue.add({}));
  await vi.waitFor(() => expect(added.filter(id => !ran.has(id))).toEqual([]), { timeout: 60_000 });
  const later = await queue.add({});
  await vi.waitFor(() => expect(ran).toContain(later), { timeout: 10_000 });
  expect(service.health().healthy).toBe(true);
  await service.close();
});
