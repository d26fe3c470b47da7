import { ADAPTER_CONTRACT, type QueueAdapter } from '@switchyard/queue-api';
import { configSchema, type KafkaConfig } from './config.ts';
import { connectKafkaStore } from './kafka-store.ts';

/** The store in Apache Kafka: `defaultStore: kafka`. */
export const kafkaAdapter: QueueAdapter<KafkaConfig> = {
  contract: ADAPTER_CONTRACT,
  store: 'kafka',
  config: configSchema,
  connect: (config, context) => connectKafkaStore(config, context),
};
