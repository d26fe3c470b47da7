import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { testServer } from '@switchyard/test-servers';
import { kafkaAdapter } from '../src/index.ts';
import { topicNames } from '../src/topic-names.ts';
import { otherClient } from './open-store.ts';

const PREFIX = 'kit';

describeAdapter('kafka', {
  adapter: kafkaAdapter,
  config: async () => ({ brokers: (await testServer('kafka')).url, topicPrefix: PREFIX, partitions: 2 }),
  concurrent: true,
  async injectForeign(queue, bytes) {
    const producer = otherClient((await testServer('kafka')).url).producer();
    await producer.connect();
    await producer.send({ topic: topicNames(PREFIX, queue).main, messages: [{ value: Buffer.from(bytes) }] });
    await producer.disconnect();
  },
});
