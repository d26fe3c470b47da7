import { once } from 'node:events';
import { Redis } from 'ioredis';
import { expect, onTestFinished, test } from 'vitest';
import { ownServer, testServer } from '@switchyard/test-servers';

const shared = await testServer('redis');

function connect(url: string): Redis {
  const client = new Redis(url, { retryStrategy: () => 20 });
  client.on('error', () => {});
  onTestFinished(() => client.disconnect());
  return client;
}

test('the shared server answers a client', async () => {
  expect(await connect(shared.url).ping()).toBe('PONG');
});

test('whoever asks again gets the same shared server', async () => {
  expect((await testServer('redis')).url).toBe(shared.url);
});

test('the shared server names itself for other processes', () => {
  expect(shared.env).toEqual({ SWITCHYARD_TEST_REDIS_URL: shared.url });
});

test('a server of one’s own is another one', async () => {
  await using own = await ownServer('redis');
  expect(own.url).not.toBe(shared.url);
});

test('with an append-only file, what was answered survives a restart and a kill', async () => {
  await using own = await ownServer('redis', { persistence: 'always' });
  const client = connect(own.url);
  await client.set('answered', 'yes');
  await own.restart();
  expect(await client.get('answered')).toBe('yes');
  await own.kill();
  await own.start();
  expect(await client.get('answered')).toBe('yes');
});

test('without persistence nothing survives a restart', async () => {
  await using own = await ownServer('redis');
  const client = connect(own.url);
  await client.set('answered', 'yes');
  await own.restart();
  expect(await client.get('answered')).toBeNull();
});

test('while it is stopped nobody answers', async () => {
  await using own = await ownServer('redis');
  await own.stop();
  const client = connect(own.url);
  const [refused] = (await once(client, 'error')) as [NodeJS.ErrnoException];
  expect(refused.code).toBe('ECONNREFUSED');
  await own.start();
  expect(await client.ping()).toBe('PONG');
});

test('more arguments reach the server, and one that asks for a password counts as up', async () => {
  await using own = await ownServer('redis', { args: ['--requirepass', 'secret', '--maxmemory', '12mb'] });
  const client = connect(own.url.replace('//', '//:secret@'));
  expect(await client.config('GET', 'maxmemory')).toEqual(['maxmemory', String(12 * 1024 * 1024)]);
});

test('a server that does not come up fails with what it printed', async () => {
  await expect(ownServer('redis', { args: ['--no-such-setting', '1'] })).rejects.toThrow(/no-such-setting/);
});
