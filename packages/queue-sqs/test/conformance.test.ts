import { randomUUID } from 'node:crypto';
import { CreateQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { QueueName } from '@switchyard/queue-api';
import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { testServer } from '@switchyard/test-servers';
import { physicalNames } from '../src/queue-names.ts';
import { plainClient, settingsFor } from './open-store.ts';

const { url } = await testServer('sqs');
const queueNamePrefix = `kit-${randomUUID().slice(0, 8)}`;

describeAdapter('SQS', {
  adapter: sqsAdapter,
  config: { ...settingsFor(url), queueNamePrefix },
  // Most of the time they wait for the next whole second.
  concurrent: true,
  async injectForeign(queue: QueueName, bytes: Uint8Array) {
    const client = plainClient(url);
    const { QueueUrl } = await client.send(
      new CreateQueueCommand({ QueueName: physicalNames(queueNamePrefix, queue).main }),
    );
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: new TextDecoder().decode(bytes) }));
    client.destroy();
  },
});
