import { randomUUID } from 'node:crypto';
import { CreateQueueCommand, SQSClient } from '@aws-sdk/client-sqs';
import { testServer } from '@switchyard/test-servers';
import { Consumer, type ConsumerOptions } from 'sqs-consumer';
import { Producer } from 'sqs-producer';
import type { Contestant, WorkerOptions } from '../contestant.ts';

/** Each message is handled and deleted by itself. */
export const sqsConsumerContestant = contestant('sqs-consumer', handler => ({
  async handleMessage(message) {
    await handler(JSON.parse(message.Body ?? ''));
    return message;
  },
}));

/** A handler gets the messages of a poll, and all or none of them are done. */
export const sqsConsumerBatchContestant = contestant('sqs-consumer, batched', handler => ({
  async handleMessageBatch(messages) {
    await Promise.all(messages.map(({ Body = '' }) => handler(JSON.parse(Body))));
    return messages;
  },
}));

/** sqs-producer to add, and as many consumers as it takes: each asks again when it is done with all that it got. */
function contestant(
  name: string,
  handling: (handler: (payload: unknown) => Promise<void>) => Partial<ConsumerOptions>,
): Contestant {
  return {
    name,
    async open() {
      const { url: endpoint } = await testServer('sqs');
      const credentials = { accessKeyId: 'bench', secretAccessKey: 'bench' };
      const sqs = new SQSClient({ endpoint, region: 'elasticmq', credentials });
      const { QueueUrl: queueUrl = '' } = await sqs.send(
        new CreateQueueCommand({ QueueName: `bench-${randomUUID()}` }),
      );
      const producer = Producer.create({ queueUrl, sqs });
      const messageOf = (payload: unknown) => ({ id: randomUUID(), body: JSON.stringify(payload) });
      const consumers: Consumer[] = [];
      let isClosing = false;
      return {
        add: payload => producer.send(messageOf(payload)),
        addBulk: payloads => producer.send(payloads.map(messageOf)),
        addDelayed: (payload, delay) => producer.send({ ...messageOf(payload), delaySeconds: Math.ceil(delay / 1000) }),
        process(handler, { concurrency }: WorkerOptions) {
          for (let left = concurrency; left > 0; left -= 10) {
            const consumer = Consumer.create({ queueUrl, sqs, batchSize: Math.min(10, left), ...handling(handler) });
            consumer.on('error', error => {
              if (!isClosing) console.error(error);
            });
            consumer.start();
            consumers.push(consumer);
          }
        },
        async close() {
          isClosing = true;
          for (const consumer of consumers) consumer.stop({ abort: true });
          sqs.destroy();
        },
      };
    },
  };
}
