import { testSecureKafka } from '@switchyard/test-servers';
import type { Address, KafkaUser } from '@switchyard/test-servers';
import { Kafka, logLevel } from 'kafkajs';
import type { SASLOptions } from 'kafkajs';
import { expect, onTestFinished, test, vi } from 'vitest';

const server = await testSecureKafka();
const { listeners, ca, users } = server;
const soon = { timeout: 20_000 };

async function connect(
  { host, port }: Address,
  { sasl, trust = ca }: { sasl?: SASLOptions; trust?: string | null } = {},
): Promise<{ kafka: Kafka; topics: () => Promise<string[]> }> {
  const kafka = new Kafka({
    brokers: [`${host}:${port}`],
    logLevel: logLevel.NOTHING,
    retry: { retries: 0 },
    ...(sasl && { sasl }),
    ssl: trust === null ? true : { ca: [trust] },
  });
  const admin = kafka.admin();
  onTestFinished(() => admin.disconnect());
  await admin.connect();
  return { kafka, topics: () => admin.listTopics() };
}

const as = (mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512', user: KafkaUser) =>
  ({ mechanism, ...user }) as SASLOptions;

test.for(['plain', 'scram-sha-256', 'scram-sha-512'] as const)('users are known by %s', async mechanism => {
  for (const user of [users.admin, users.app]) {
    const { topics } = await connect(listeners.saslSsl, { sasl: as(mechanism, user) });
    expect(await topics()).not.toContain('jobs');
  }
  const wrong = { ...users.app, password: 'wrong' };
  await expect(connect(listeners.saslSsl, { sasl: as(mechanism, wrong) })).rejects.toThrow(/authenticat/i);
});

test('the certificate must be trusted', async () => {
  await expect(connect(listeners.ssl, { trust: null })).rejects.toThrow('self-signed');
  const { topics } = await connect(listeners.ssl);
  expect(await topics()).toBeInstanceOf(Array);
});

test('a user may do what was granted, over restarts as well', { timeout: 90_000 }, async () => {
  await server.run('kafka-topics', '--create', '--topic', 'jobs', '--partitions', '2');
  expect(await server.run('kafka-topics', '--list')).toContain('jobs');
  const sasl = as('scram-sha-512', users.app);
  const { kafka, topics } = await connect(listeners.saslSsl, { sasl });
  const producer = kafka.producer();
  onTestFinished(() => producer.disconnect());
  await producer.connect();
  const send = () => producer.send({ topic: 'jobs', messages: [{ value: 'hello' }] });

  expect(await topics()).toEqual([]);
  await expect(send()).rejects.toMatchObject({ cause: { type: 'TOPIC_AUTHORIZATION_FAILED' } });
  const rights = ['--operation', 'Write', '--operation', 'Describe', '--topic', 'jobs'];
  await server.run('kafka-acls', '--add', '--allow-principal', 'User:app', ...rights);
  await vi.waitFor(send, soon);
  expect(await topics()).toEqual(['jobs']);

  await server.kill();
  await server.start();
  const again = await connect(listeners.saslSsl, { sasl });
  await vi.waitFor(async () => expect(await again.topics()).toEqual(['jobs']), soon);
});

test('a tool that fails says why', async () => {
  await expect(server.run('kafka-topics', '--describe', '--topic', 'nothing')).rejects.toThrow('nothing');
});
