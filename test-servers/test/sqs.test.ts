import {
  CreateQueueCommand,
  DeleteMessageCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
} from '@aws-sdk/client-sqs';
import { expect, onTestFinished, test } from 'vitest';
import { ownServer, testServer } from '@switchyard/test-servers';

const shared = await testServer('sqs');

function connect(endpoint: string): SQSClient {
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
  const client = new SQSClient({ endpoint, region: 'elasticmq', credentials });
  onTestFinished(() => client.destroy());
  return client;
}

test('the shared server passes messages on', async () => {
  const client = connect(shared.url);
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'shared' }));
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
  expect(Messages?.map(({ Body }) => Body)).toEqual(['hello']);
  const ReceiptHandle = Messages?.[0]?.ReceiptHandle;
  await client.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
});

test('queue URLs lead through the proxy that they were asked for by', async () => {
  await using proxy = await shared.proxy();
  const { QueueUrl } = await connect(proxy.url).send(new CreateQueueCommand({ QueueName: 'by-proxy' }));
  expect(new URL(QueueUrl ?? '').host).toBe(new URL(proxy.url).host);
});

test('a server of one’s own comes back after a kill', async () => {
  await using own = await ownServer('sqs');
  await own.kill();
  await own.start();
  const { QueueUrl } = await connect(own.url).send(new CreateQueueCommand({ QueueName: 'again' }));
  expect(QueueUrl).toContain('again');
});

test('one with persistence comes back with what it had', async () => {
  await using own = await ownServer('sqs', { persistence: true });
  const client = connect(own.url);
  const { QueueUrl } = await client.send(new CreateQueueCommand({ QueueName: 'kept' }));
  await client.send(new SendMessageCommand({ QueueUrl, MessageBody: 'hello' }));
  await own.kill();
  await own.start();
  const { Messages } = await client.send(new ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5 }));
  expect(Messages?.map(({ Body }) => Body)).toEqual(['hello']);
});
