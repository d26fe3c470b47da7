import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { type ConsumerRunConfig, Kafka, logLevel } from 'kafkajs';
import type { Contestant } from '../contestant.ts';

type Handler = (payload: unknown) => Promise<void>;

/** A message of a partition after the other, and as many partitions at once as there may be jobs. */
export const kafkajsContestant = contestant('kafkajs', handler => ({
  eachMessage: ({ message }) => handler(JSON.parse(String(message.value))),
}));

/** A handler gets what was fetched of a partition, and runs its share of the concurrency at once; all or none are done. */
export const kafkajsBatchContestant = contestant('kafkajs, batched', (handler, share) => ({
  async eachBatch(payload) {
    const messages = payload.batch.messages.values();
    const lane = async () => {
      for (const { value } of messages) {
        await handler(JSON.parse(String(value)));
        await payload.heartbeat();
      }
    };
    await Promise.all(Array.from({ length: share }, lane));
  },
}));

/** As its documentation leaves it: acks from all replicas, no compression, offsets committed after each batch. */
function contestant(name: string, handling: (handler: Handler, share: number) => ConsumerRunConfig): Contestant {
  return {
    name,
    async open({ partitions }) {
      const { url } = await testServer('kafka');
      const kafka = new Kafka({ brokers: [url], logLevel: logLevel.NOTHING });
      const topic = `bench-${randomUUID()}`;
      const admin = kafka.admin();
      await admin.connect();
      await admin.createTopics({ topics: [{ topic, numPartitions: partitions, replicationFactor: 1 }] });
      await admin.disconnect();

      const producer = kafka.producer();
      await producer.connect();
      // Nothing is sent, but from here on it knows the topic.
      await producer.send({ topic, messages: [] });
      const consumer = kafka.consumer({ groupId: topic });
      consumer.on(consumer.events.CRASH, ({ payload }) => console.error(payload.error));
      const messageOf = (payload: unknown) => ({ value: JSON.stringify(payload) });
      return {
        add: payload => producer.send({ topic, messages: [messageOf(payload)] }),
        addBulk: payloads => producer.send({ topic, messages: payloads.map(messageOf) }),
        process(handler, { concurrency }) {
          const atOnce = Math.min(concurrency, partitions);
          const run = async () => {
            await consumer.connect();
            await consumer.subscribe({ topic, fromBeginning: true });
            await consumer.run({
              partitionsConsumedConcurrently: atOnce,
              ...handling(handler, Math.floor(concurrency / atOnce)),
            });
          };
          void run();
        },
        async close() {
          await consumer.disconnect();
          await producer.disconnect();
        },
      };
    },
  };
}
