import { Kafka, logLevel } from 'kafkajs';
import { expect, onTestFinished, test } from 'vitest';
import { ownServer, testServer } from '@switchyard/test-servers';

const shared = await testServer('kafka');

function connect(brokers: string): Kafka {
  return new Kafka({ brokers: [brokers], logLevel: logLevel.NOTHING, retry: { initialRetryTime: 50, retries: 20 } });
}

async function send(brokers: string, topic: string, value: string): Promise<void> {
  const producer = connect(brokers).producer();
  await producer.connect();
  await producer.send({ topic, messages: [{ value }] });
  await producer.disconnect();
}

/** The value of the first message of a topic. */
async function receive(brokers: string, topic: string): Promise<string | undefined> {
  const consumer = connect(brokers).consumer({ groupId: `${topic}-readers` });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const { promise, resolve } = Promise.withResolvers<string | undefined>();
  await consumer.run({ eachMessage: async ({ message }) => resolve(message.value?.toString()) });
  onTestFinished(() => consumer.disconnect());
  return promise;
}

test('the shared broker passes messages on to a consumer group', async () => {
  await send(shared.url, 'shared-topic', 'hello');
  expect(await receive(shared.url, 'shared-topic')).toBe('hello');
});

test('messages survive a restart and a kill', { timeout: 90_000 }, async () => {
  await using own = await ownServer('kafka');
  await send(own.url, 'topic', 'hello');
  await own.restart();
  await own.kill();
  await own.start();
  expect(await receive(own.url, 'topic')).toBe('hello');
});

test('clients of a proxied broker have no other way than the proxy', { timeout: 60_000 }, async () => {
  await using own = await ownServer('kafka', { proxied: true });
  const proxy = await own.proxy();
  const admin = connect(own.url).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  expect((await admin.describeCluster()).brokers).toMatchObject([proxy.address]);

  await send(proxy.url, 'topic', 'hello');
  await proxy.refuse();
  const sent = send(proxy.url, 'topic', 'again');
  await proxy.heal();
  await sent;
  expect(await receive(proxy.url, 'topic')).toBe('hello');
});

test('a proxy that the broker does not know of is refused', async () => {
  await expect(shared.proxy()).rejects.toThrow('proxied');
});
