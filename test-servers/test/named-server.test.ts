import { ownServer, testServer } from '@switchyard/test-servers';
import { afterEach, expect, test, vi } from 'vitest';
import { startLineServer } from './line-server.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test.for([
  ['redis', 'SWITCHYARD_TEST_REDIS_URL', 'rediss://user:secret@redis.example', 'redis.example', 6379],
  ['postgres', 'SWITCHYARD_TEST_POSTGRES_URL', 'postgres://user@db.example:6000/jobs', 'db.example', 6000],
  ['kafka', 'SWITCHYARD_TEST_KAFKA_BROKERS', 'one.example:9093,two.example:9093', 'one.example', 9093],
  ['sqs', 'SWITCHYARD_TEST_SQS_ENDPOINT', 'https://sqs.example', 'sqs.example', 443],
] as const)('a %s server that the environment names wins, and nothing is started', async row => {
  const [name, variable, url, host, port] = row;
  vi.stubEnv(variable, url);
  const server = await testServer(name);
  expect(server).toMatchObject({ way: 'environment', url, address: { host, port }, env: { [variable]: url } });
});

test('what is not a URL is refused', async () => {
  vi.stubEnv('SWITCHYARD_TEST_REDIS_URL', 'not a server');
  await expect(testServer('redis')).rejects.toThrow('SWITCHYARD_TEST_REDIS_URL');
});

test('a proxy in front of a named server keeps the user, the password and the path', async () => {
  await using server = await startLineServer();
  vi.stubEnv('SWITCHYARD_TEST_POSTGRES_URL', `postgres://me:secret@127.0.0.1:${server.address.port}/jobs?ssl=no`);
  await using proxy = await (await testServer('postgres')).proxy();
  expect(proxy.url).toBe(`postgres://me:secret@127.0.0.1:${proxy.address.port}/jobs?ssl=no`);
});

test('a server of one’s own is never the named one, which nobody could stop', async () => {
  vi.stubEnv('SWITCHYARD_TEST_REDIS_URL', 'redis://redis.example');
  await using own = await ownServer('redis');
  expect(own.way).not.toBe('environment');
});
