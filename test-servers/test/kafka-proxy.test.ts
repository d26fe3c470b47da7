import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectKafka, createTopic, receiveAll, send } from './kafka-client.ts';

const server = await testServer('kafka');
const soon = { timeout: 20_000 };

async function setUp() {
  const proxy = await server.proxy();
  onTestFinished(() => proxy.close());
  const topic = randomUUID();
  await createTopic(server.url, topic);
  return { proxy, topic };
}

test('a broker in front of which a proxy is leads its clients to the proxy, and others to itself', async () => {
  const { proxy } = await setUp();
  for (const { url, address } of [proxy, server]) {
    const admin = connectKafka(url).admin();
    await admin.connect();
    onTestFinished(() => admin.disconnect());
    expect((await admin.describeCluster()).brokers).toMatchObject([address]);
  }
});

test('clients of a proxy have no other way, and find back when it heals', { timeout: 60_000 }, async () => {
  const { proxy, topic } = await setUp();
  const received = await receiveAll(proxy.url, topic);
  await send(server.url, topic, 'one');
  await vi.waitFor(() => expect(received).toEqual(['one']), soon);

  await proxy.refuse();
  await send(server.url, topic, 'two');
  const sent = send(proxy.url, topic, 'three');
  expect(received).toEqual(['one']);
  await proxy.heal();
  await sent;
  await vi.waitFor(() => expect(received).toEqual(['one', 'two', 'three']), soon);
});

test('a dropped reply to a Produce: the message is there, and comes again', { timeout: 60_000 }, async () => {
  const { proxy, topic } = await setUp();
  const dropped = proxy.dropNextReply(`Produce ${topic}`);
  await send(proxy.url, topic, 'hello');
  await dropped;
  const received = await receiveAll(server.url, topic);
  await vi.waitFor(() => expect(received).toEqual(['hello', 'hello']), soon);
});

test('a swallowed reply to a Produce: the message is there, and the client waits', { timeout: 60_000 }, async () => {
  const { proxy, topic } = await setUp();
  const swallowed = proxy.swallowNextReply(`Produce ${topic}`);
  let isSent = false;
  const sent = send(proxy.url, topic, 'hello').then(() => (isSent = true));
  await swallowed;
  const received = await receiveAll(server.url, topic);
  await vi.waitFor(() => expect(received).toEqual(['hello']), soon);
  expect(isSent).toBe(false);
  proxy.cut();
  await sent;
  await vi.waitFor(() => expect(received).toEqual(['hello', 'hello']), soon);
});

test('a dropped Produce did not happen', { timeout: 60_000 }, async () => {
  const { proxy, topic } = await setUp();
  const dropped = proxy.dropNextRequest(`Produce ${topic}`);
  await send(proxy.url, topic, 'hello');
  await dropped;
  await send(proxy.url, topic, 'end');
  const received = await receiveAll(server.url, topic);
  await vi.waitFor(() => expect(received).toEqual(['hello', 'end']), soon);
});

test.for([
  { lost: 'request', offset: '-1' },
  { lost: 'reply', offset: '7' },
] as const)(
  'a lost $lost of an OffsetCommit leaves the offset at $offset',
  { timeout: 60_000 },
  async ({ lost, offset }) => {
    const { proxy, topic } = await setUp();
    const groupId = `${topic}-readers`;
    const connected = (url: string) => {
      const admin = connectKafka(url).admin({ retry: { retries: 0 } });
      onTestFinished(() => admin.disconnect());
      return admin.connect().then(() => admin);
    };
    const observer = await connected(server.url);
    const fetchOffset = async () => {
      const [fetched] = await observer.fetchOffsets({ groupId, topics: [topic] });
      return fetched?.partitions[0]?.offset;
    };
    // There is a coordinator from here on.
    await vi.waitFor(fetchOffset, soon);

    const admin = await connected(proxy.url);
    const dropped = lost === 'request' ? proxy.dropNextRequest('OffsetCommit') : proxy.dropNextReply('OffsetCommit');
    const committed = admin.setOffsets({ groupId, topic, partitions: [{ partition: 0, offset: '7' }] }).catch(() => {});
    await dropped;
    // Before it can try again.
    await proxy.refuse();
    expect(await fetchOffset()).toBe(offset);
    await proxy.heal();
    await committed;
  },
);

test('there is no waiting for a request that Kafka does not have', async () => {
  const { proxy } = await setUp();
  await expect(proxy.dropNextReply('Produced')).rejects.toThrow('OffsetCommit');
});
