import { Kafka, logLevel } from 'kafkajs';
import { onTestFinished } from 'vitest';

/** `brokers`: `host:port`, or several of them with commas between. */
export function connectKafka(brokers: string): Kafka {
  return new Kafka({
    brokers: brokers.split(','),
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 40 },
  });
}

export async function createTopic(brokers: string, topic: string): Promise<void> {
  const admin = connectKafka(brokers).admin();
  await admin.connect();
  await admin.createTopics({ topics: [{ topic }] });
  await admin.disconnect();
}

export async function send(brokers: string, topic: string, value: string): Promise<void> {
  const producer = connectKafka(brokers).producer();
  await producer.connect();
  try {
    await producer.send({ topic, acks: -1, messages: [{ value }] });
  } finally {
    await producer.disconnect();
  }
}

/** The values that a consumer group of the topic's own reads, as they come. */
export async function receiveAll(brokers: string, topic: string): Promise<(string | undefined)[]> {
  const consumer = connectKafka(brokers).consumer({
    groupId: `${topic}-readers`,
    maxWaitTimeInMs: 200,
    sessionTimeout: 6000,
    heartbeatInterval: 500,
  });
  await consumer.connect();
  await consumer.subscribe({ topic, fromBeginning: true });
  const values: (string | undefined)[] = [];
  await consumer.run({ eachMessage: async ({ message }) => void values.push(message.value?.toString()) });
  onTestFinished(() => consumer.disconnect());
  return values;
}
