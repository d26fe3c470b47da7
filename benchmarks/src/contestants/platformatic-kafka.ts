import { randomUUID } from 'node:crypto';
import { Admin, Consumer, ProduceAcks, Producer, stringDeserializers, stringSerializers } from '@platformatic/kafka';
import { testServer } from '@switchyard/test-servers';
import type { Contestant } from '../contestant.ts';

/**
 * Its stream, from which a message is taken as soon as a slot is free. Offsets are committed as its documentation
 * shows it: of all that was fetched, whether it has been handled or not.
 */
export const platformaticKafkaContestant: Contestant = {
  name: '@platformatic/kafka',
  async open({ partitions }) {
    const { url } = await testServer('kafka');
    const client = { clientId: 'bench', bootstrapBrokers: [url] };
    const topic = `bench-${randomUUID()}`;
    const admin = new Admin(client);
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 });
    await admin.close();

    const producer = new Producer({ ...client, serializers: stringSerializers });
    await producer.connectToBrokers();
    await producer.metadata({ topics: [topic] });
    const consumer = new Consumer({ ...client, groupId: topic, deserializers: stringDeserializers });
    const messageOf = (payload: unknown) => ({ topic, value: JSON.stringify(payload) });
    return {
      // What a producer is made with does not say whose acks it waits for, only what is sent does.
      add: payload => producer.send({ messages: [messageOf(payload)], acks: ProduceAcks.ALL }),
      addBulk: payloads => producer.send({ messages: payloads.map(messageOf), acks: ProduceAcks.ALL }),
      process(handler, { concurrency }) {
        const run = async () => {
          const stream = await consumer.consume({
            topics: [topic],
            mode: 'committed',
            fallbackMode: 'earliest',
            autocommit: true,
          });
          await forEach(stream, ({ value }) => handler(JSON.parse(value)), concurrency);
        };
        void run();
      },
      async close() {
        await consumer.close(true);
        await producer.close();
      },
    };
  },
};

/** Runs so many at once, and takes the next message when one has ended. */
async function forEach<Item>(
  items: AsyncIterable<Item>,
  run: (item: Item) => Promise<void>,
  concurrency: number,
): Promise<void> {
  let running = 0;
  let freed: (() => void) | undefined;
  for await (const item of items) {
    running++;
    void run(item).then(() => {
      running--;
      freed?.();
    });
    if (running >= concurrency) await new Promise<void>(resolve => (freed = resolve));
  }
}
