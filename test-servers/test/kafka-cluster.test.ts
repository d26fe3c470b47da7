import { testKafkaCluster } from '@switchyard/test-servers';
import { ConfigResourceTypes } from 'kafkajs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { connectKafka, createTopic, receiveAll, send } from './kafka-client.ts';

const soon = { timeout: 30_000 };
const cluster = await testKafkaCluster();

test('a topic goes on without its leader, and without the coordinator', { timeout: 120_000 }, async () => {
  await createTopic(cluster.url, 'topic');
  const received = await receiveAll(cluster.url, 'topic');
  await send(cluster.url, 'topic', 'one');
  await vi.waitFor(() => expect(received).toEqual(['one']), soon);

  const expected = ['one'];
  for (const topic of ['topic', '__consumer_offsets']) {
    const killed = await cluster.leader(topic);
    await killed.kill();
    await send(cluster.url, 'topic', `without ${topic}`);
    expected.push(`without ${topic}`);
    // What was not committed comes again.
    await vi.waitFor(() => expect(new Set(received)).toEqual(new Set(expected)), soon);
    expect(await cluster.leader(topic)).not.toBe(killed);
    await killed.start();
    await cluster.untilInSync();
  }
});

test('with one broker left of three nothing can be written', { timeout: 120_000 }, async () => {
  await createTopic(cluster.url, 'safe');
  const [first, second] = cluster.nodes;
  const producer = connectKafka(cluster.url).producer({ retry: { retries: 2 } });
  await producer.connect();
  onTestFinished(() => producer.disconnect());
  const write = () => producer.send({ topic: 'safe', acks: -1, timeout: 2000, messages: [{ value: 'hello' }] });

  await write();
  const admin = connectKafka(cluster.url).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.TOPIC, name: 'safe' }],
  });
  const configValues = new Map(resources[0]?.configEntries.map(entry => [entry.configName, entry.configValue]));
  expect(configValues.get('min.insync.replicas')).toBe('2');
  expect(configValues.get('unclean.leader.election.enable')).toBe('false');
  await first?.stop();
  await vi.waitFor(write, soon);
  await second?.kill();
  await expect(write()).rejects.toThrow();
  await Promise.all([first?.start(), second?.start()]);
  await cluster.untilInSync();
  await vi.waitFor(write, soon);
});

test('clients of the proxies do not leave them', { timeout: 60_000 }, async () => {
  const proxies = await cluster.proxies();
  onTestFinished(() => Promise.all(proxies.map(proxy => proxy.close())).then(() => {}));
  const [first] = proxies;
  const admin = connectKafka(first?.url ?? '').admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const { brokers } = await admin.describeCluster();
  expect(new Set(brokers.map(({ port }) => port))).toEqual(new Set(proxies.map(({ address }) => address.port)));

  await createTopic(cluster.url, 'far');
  await send(first?.url ?? '', 'far', 'hello');
  const received = await receiveAll(first?.url ?? '', 'far');
  await vi.waitFor(() => expect(received).toEqual(['hello']), soon);
});

test('a proxy of one broker alone would be passed by', async () => {
  await expect(cluster.nodes[0]?.proxy()).rejects.toThrow('proxies()');
});
