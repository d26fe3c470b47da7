import { ADAPTER_CONTRACT, type QueueAdapter } from '@switchyard/queue-api';
import { configSchema, type SqsConfig } from './config.ts';
import { connectSqsStore } from './sqs-store.ts';

/** The store in Amazon SQS, or in a server that speaks its protocol: `defaultStore: sqs`. */
export const sqsAdapter: QueueAdapter<SqsConfig> = {
  contract: ADAPTER_CONTRACT,
  store: 'sqs',
  config: configSchema,
  connect: (config, context) => connectSqsStore(config, context),
};
