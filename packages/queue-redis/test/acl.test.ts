import { createQueueService } from '@switchyard/queue-service';
import { redisAdapter } from '@switchyard/queue-redis';
import { ownServer } from '@switchyard/test-servers';
import { Redis } from 'ioredis';
import { afterAll, expect, it, vi } from 'vitest';
import { IN_TIME, newJob, openStore, reserve } from './open-store.ts';
import { readmeRights } from './readme-rights.ts';

const keyPrefix = 'switchyard';
const server = await ownServer('redis', { persistence: 'everysec' });
afterAll(() => server.remove());
const admin = new Redis(server.url);
afterAll(() => admin.disconnect());
const rights = readmeRights();

/** Makes a user and says how to connect as that one. */
async function userWith(name: string, allowed: readonly string[]): Promise<string> {
  await admin.call('ACL', 'SETUSER', name, 'reset', 'on', '>p@ss:w%rd', ...allowed);
  return server.url.replace('//', `//${name}:${encodeURIComponent('p@ss:w%rd')}@`);
}

/** What the server has refused to the user. */
async function refusedTo(name: string): Promise<string[]> {
  const entries = (await admin.call('ACL', 'LOG', '1000')) as string[][];
  const refused = entries.map(entry => ({
    object: entry[entry.indexOf('object') + 1] ?? '',
    user: entry[entry.indexOf('username') + 1],
  }));
  return refused.filter(({ user }) => user === name).map(({ object }) => object);
}

/** Everything that a store ever asks of Redis: all moves of a job, and a wait that is long enough for a PING. */
async function doEverything(connection: string, name: string): Promise<void> {
  await using scene = await openStore({ connection, keyPrefix }, { maxCount: 1 });
  const { store } = scene;
  const queue = await store.open({ plugin: 'acl', name });
  const idle = await store.open({ plugin: 'acl', name: `${name}-idle` });
  const stop = new AbortController();
  const waiting = idle.reserve({ max: 1, waitMs: 11_000, leaseMs: 30_000, signal: stop.signal });
  waiting.catch(() => {});
  try {
    await queue.enqueue([newJob(), newJob(), newJob(), newJob({ delayMs: 1 })], IN_TIME);
    const taken = await reserve(queue, { max: 3, leaseMs: 50 });
    await queue.extend([taken[0]!.receipt], 30_000, IN_TIME);
    await queue.settle([{ kind: 'dead', receipt: taken[0]!.receipt, note: 'n' }], IN_TIME);
    await queue.settle([{ kind: 'retry', receipt: taken[1]!.receipt, delayMs: 1, note: 'n' }], IN_TIME);
    const seen = new Set<string>();
    while (seen.size < 3) {
      for (const delivery of await reserve(queue, { max: 3, waitMs: 1000 })) {
        seen.add((delivery as { id: string }).id);
        await queue.settle([{ kind: seen.size < 3 ? 'ack' : 'dead', receipt: delivery.receipt, note: 'n' }], IN_TIME);
      }
    }
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, dead: 1 });
    await waiting;
  } finally {
    stop.abort();
  }
}

it.concurrent('a user with the documented rights is never refused anything', { timeout: 60_000 }, async () => {
  await doEverything(await userWith('switchyard', rights), 'all');
  expect(await refusedTo('switchyard')).toEqual([]);
});

it.concurrent.each(rights)('each documented right is needed: without %s something is refused', async right => {
  const name = `without-${right.replaceAll(/\W/g, '-')}`;
  // It says on the console that it does without.
  if (right === '+info') vi.spyOn(console, 'warn').mockReturnValue();
  const connection = await userWith(
    name,
    rights.filter(other => other !== right),
  );
  await doEverything(connection, name).catch(() => {});
  expect(await refusedTo(name)).not.toEqual([]);
});

it.concurrent('a wrong password is denied', async () => {
  await userWith('known', rights);
  await using known = await openStore({ connection: server.url });
  const refused = await openStore({ connection: server.url.replace('//', '//known:wrong@') }).catch(error => error);
  expect(refused.message).toContain('WRONGPASS');
  expect(known.store.classify(refused)).toBe('denied');
});

it.concurrent('who may not touch the keys is denied when adding', async () => {
  const connection = await userWith('elsewhere', [...rights.filter(right => !right.startsWith('~')), '~other:*']);
  await using scene = await openStore({ connection, keyPrefix });
  const refused = await scene.queue.enqueue([newJob()], IN_TIME).catch((error: unknown) => error);
  expect(scene.store.classify(refused)).toBe('denied');
});

it.concurrent('who may not use a command inside of a script is denied when adding', async () => {
  const connection = await userWith(
    'half',
    rights.filter(right => right !== '+zadd'),
  );
  await using scene = await openStore({ connection, keyPrefix });
  const refused = await scene.queue.enqueue([newJob()], IN_TIME).catch((error: unknown) => error);
  expect(scene.store.classify(refused)).toBe('denied');
});

it.concurrent('who may not select the database is refused, and not served from another one', async () => {
  const connection = `${await userWith('zero', rights)}/1`;
  await expect(openStore({ connection })).rejects.toThrow("no permissions to run the 'select' command");
  await expect(openStore({ connection: `${server.url}/99` })).rejects.toThrow('DB index is out of range');
  await using scene = await openStore({ connection: `${await userWith('one', [...rights, '+select'])}/1`, keyPrefix });
  await scene.queue.enqueue([newJob()], IN_TIME);
  await admin.select(1);
  expect(await admin.exists(`${keyPrefix}:{test/work}:jobs`)).toBe(1);
});

it.concurrent('without the channels jobs are found by looking, and one warning says what to allow', async () => {
  const connection = await userWith(
    'deaf',
    rights.filter(right => !right.startsWith('&')),
  );
  const warnings: string[] = [];
  const service = createQueueService({
    adapters: [redisAdapter],
    defaultStore: 'redis',
    redis: { connection, keyPrefix },
    logger: { debug() {}, info() {}, warn: message => void warnings.push(message), error() {} },
  });
  await using elsewhere = await openStore({ connection, keyPrefix });
  const there = await elsewhere.store.open({ plugin: '', name: 'deaf' });
  const queue = await service.getQueue('deaf');
  const ran = new Set<string>();
  queue.process(({ id }) => void ran.add(id));
  for (let round = 0; round < 3; round++) {
    const job = newJob();
    await there.enqueue([job], IN_TIME);
    const { id } = job;
    await vi.waitFor(() => expect(ran).toContain(id), { timeout: 10_000 });
  }
  await service.close();
  expect(warnings).toEqual([expect.stringMatching(/The Redis user may not (publish|subscribe).*ACL SETUSER/)]);
});
