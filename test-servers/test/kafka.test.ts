import { ConfigResourceTypes } from 'kafkajs';
import { expect, onTestFinished, test, vi } from 'vitest';
import { ownServer, testServer } from '@switchyard/test-servers';
import { connectKafka, receiveAll, send } from './kafka-client.ts';

const shared = await testServer('kafka');
const soon = { timeout: 20_000 };

test('the shared broker passes messages on to a consumer group', async () => {
  await send(shared.url, 'shared-topic', 'hello');
  const received = await receiveAll(shared.url, 'shared-topic');
  await vi.waitFor(() => expect(received).toEqual(['hello']), soon);
});

test('messages survive a restart and a kill', { timeout: 90_000 }, async () => {
  await using own = await ownServer('kafka');
  await send(own.url, 'topic', 'hello');
  await own.restart();
  await own.kill();
  await own.start();
  const received = await receiveAll(own.url, 'topic');
  await vi.waitFor(() => expect(received).toEqual(['hello']), soon);
});

test('settings reach the broker', { timeout: 60_000 }, async () => {
  await using own = await ownServer('kafka', { settings: { 'auto.create.topics.enable': 'false' } });
  const admin = connectKafka(own.url).admin();
  await admin.connect();
  onTestFinished(() => admin.disconnect());
  const { resources } = await admin.describeConfigs({
    includeSynonyms: false,
    resources: [{ type: ConfigResourceTypes.BROKER, name: '1', configNames: ['auto.create.topics.enable'] }],
  });
  expect(resources[0]?.configEntries).toMatchObject([{ configValue: 'false' }]);
});
