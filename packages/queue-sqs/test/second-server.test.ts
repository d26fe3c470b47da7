import { randomUUID } from 'node:crypto';
import { CreateQueueCommand, SendMessageCommand } from '@aws-sdk/client-sqs';
import type { QueueName } from '@switchyard/queue-api';
import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { startFauxqs } from 'fauxqs';
import { afterAll } from 'vitest';
import { physicalNames } from '../src/queue-names.ts';
import { plainClient, settingsFor } from './open-store.ts';

// Written by others than ElasticMQ, after the documentation of AWS: where the two differ, one of them is laxer than AWS.
const server = await startFauxqs({ port: 0, logger: false });
afterAll(() => server.stop());
const queueNamePrefix = `kit-${randomUUID().slice(0, 8)}`;

describeAdapter('SQS, on a second server', {
  adapter: sqsAdapter,
  config: { ...settingsFor(server.address), queueNamePrefix },
  // Most of the time they wait for the next whole second.
  concurrent: true,
  async injectForeign(queue: QueueName, bytes: Uint8Array) {
    const client = plainClient(server.address);
    const { QueueUrl } = await client.send(
      new CreateQueueCommand({ QueueName: physicalNames(queueNamePrefix, queue).main }),
    );
    await client.send(new SendMessageCommand({ QueueUrl, MessageBody: new TextDecoder().decode(bytes) }));
    client.destroy();
  },
  skips: ['bodies/unchanged', 'payloads/round-trip'].map(id => ({ id, reason: 'it refuses characters above U+FFFF' })),
});
