import { randomUUID } from 'node:crypto';
import { createQueueService } from '@switchyard/queue-service';
import { redisAdapter } from '@switchyard/queue-redis';
import { testRedisCluster } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import { afterAll, expect, it, vi } from 'vitest';
import { queueKeys } from '../src/keys.ts';
import { readmeClusterRights, readmeRights } from './readme-rights.ts';

const QUIET = { debug() {}, info() {}, warn() {}, error() {} };

const cluster = await testRedisCluster();
afterAll(() => cluster.remove());
const nodes = cluster.nodes.map(({ url }) => url);
const admins = nodes.map(url => new Redis(url));
afterAll(() => admins.forEach(admin => admin.disconnect()));

/** Moves a slot and what is in it to another node, slowly enough for calls to meet it half moved. */
async function moveSlot(slot: number, from: Redis, to: Redis): Promise<void> {
  const [source, target] = await Promise.all([from, to].map(node => node.cluster('MYID')));
  await to.cluster('SETSLOT', slot, 'IMPORTING', source!);
  await from.cluster('SETSLOT', slot, 'MIGRATING', target!);
  for (;;) {
    const keys = await from.cluster('GETKEYSINSLOT', slot, 1);
    if (keys.length === 0) break;
    await from.call('MIGRATE', to.options.host!, to.options.port!, '', 0, 5000, 'KEYS', ...keys);
    await new Promise(resolve => setTimeout(resolve, 50));
  }
  for (const node of [to, from, ...admins]) await node.cluster('SETSLOT', slot, 'NODE', target!);
}

it('a queue whose slot moves to another node and back goes on, and loses nothing', { timeout: 60_000 }, async () => {
  const keyPrefix = `moves-${randomUUID()}`;
  const [key = ''] = queueKeys(keyPrefix, { plugin: '', name: 'moved' }).keys;
  const slot = await admins[0]!.cluster('KEYSLOT', key);
  const home = Math.floor(slot / (16_384 / 3));
  const service = createQueueService({
    adapters: [redisAdapter],
    defaultStore: 'redis',
    redis: { cluster: { nodes }, keyPrefix },
    addTimeout: 30_000,
    logger: QUIET,
  });
  const queue = await service.getQueue('moved');
  const ran: string[] = [];
  queue.process(({ id }) => void ran.push(id), { concurrency: 5 });

  const added: string[] = [];
  const moved = new AbortController();
  const load = (async () => {
    while (!moved.signal.aborted) added.push(await queue.add({}));
  })();
  for (const [from, to] of [
    [home, (home + 1) % 3],
    [(home + 1) % 3, (home + 2) % 3],
    [(home + 2) % 3, home],
  ]) {
    const before = added.length;
    await moveSlot(slot, admins[from!]!, admins[to!]!);
    await vi.waitFor(() => expect(added.length).toBeGreaterThan(before + 20), { timeout: 10_000 });
  }
  moved.abort();
  await load;
  await vi.waitFor(() => expect(added.filter(id => !ran.includes(id))).toEqual([]), { timeout: 40_000 });
  await service.close();
});

it('a user with the documented rights is never refused anything', { timeout: 60_000 }, async () => {
  const rights = ['reset', 'on', '>password', ...readmeRights(), ...readmeClusterRights()];
  await Promise.all(admins.map(admin => admin.call('ACL', 'SETUSER', 'worker', ...rights)));
  const warn = vi.fn<(message: string) => void>();
  const service = createQueueService({
    adapters: [redisAdapter],
    defaultStore: 'redis',
    redis: { cluster: { nodes, username: 'worker', password: 'password' }, keyPrefix: 'switchyard' },
    logger: { ...QUIET, warn, error: warn },
  });
  const queues = await Promise.all(Array.from({ length: 6 }, (_, n) => service.getQueue(`queue-${n}`)));
  const ran = new Set<string>();
  for (const queue of queues) queue.process(({ id }) => void ran.add(id));
  const ids = await Promise.all(queues.map(queue => queue.add({}, { delay: 100 })));
  await vi.waitFor(() => expect(ids.filter(id => !ran.has(id))).toEqual([]), { timeout: 10_000 });
  await service.close();
  const refusals = await Promise.all(admins.map(admin => admin.call('ACL', 'LOG') as Promise<unknown[]>));
  expect(refusals.flat()).toEqual([]);
  // Nothing is kept on disk here, and that is all there is to say.
  expect(warn.mock.calls.map(([message]) => message)).toEqual([expect.stringContaining('over a restart')]);
});
