import type { ServerUnderTest } from '@switchyard/fault-kit';
import { ownServer } from '@switchyard/test-servers';
import { optionsFor } from './place.ts';

export const sqsUnderTest: ServerUnderTest = {
  server: 'sqs',
  launch: () => ownServer('sqs', { persistence: true }),
  options: optionsFor,
  // What the header x-amz-target says.
  requests: {
    add: 'AmazonSQS.SendMessageBatch',
    reserve: 'AmazonSQS.ReceiveMessage',
    settle: 'AmazonSQS.DeleteMessageBatch',
  },
  knowsIds: false,
};
