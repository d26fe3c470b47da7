import { randomUUID } from 'node:crypto';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { redisAdapter } from '@switchyard/queue-redis';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { testServer } from '@switchyard/test-servers';
import type { Contestant } from './contestant.ts';
import { beeQueueContestant } from './contestants/bee-queue.ts';
import { bullmqPostgresContestant } from './contestants/bullmq-postgres.ts';
import { bullmqContestant } from './contestants/bullmq.ts';
import { fastqContestant } from './contestants/fastq.ts';
import { graphileBatchContestant, graphileContestant } from './contestants/graphile-worker.ts';
import { kafkajsBatchContestant, kafkajsContestant } from './contestants/kafkajs.ts';
import { pQueueContestant } from './contestants/p-queue.ts';
import { pgBossContestant } from './contestants/pg-boss.ts';
import { platformaticKafkaContestant } from './contestants/platformatic-kafka.ts';
import { sqsConsumerBatchContestant, sqsConsumerContestant } from './contestants/sqs-consumer.ts';
import { switchyard } from './contestants/switchyard.ts';

/** Who races on which store: this project first, then what people use there today. */
export const STORES: Readonly<Record<string, readonly Contestant[]>> = {
  memory: [switchyard(() => ({ defaultStore: 'memory' })), fastqContestant, pQueueContestant],
  redis: [
    switchyard(async () => ({
      adapters: [redisAdapter],
      defaultStore: 'redis',
      redis: { connection: (await testServer('redis')).url },
    })),
    bullmqContestant,
    beeQueueContestant,
  ],
  postgres: [
    switchyard(async () => ({
      adapters: [postgresAdapter],
      defaultStore: 'postgres',
      postgres: { connection: (await testServer('postgres')).url, schema: `bench_${randomUUID().slice(0, 8)}` },
    })),
    graphileContestant,
    graphileBatchContestant,
    pgBossContestant,
    bullmqPostgresContestant,
  ],
  sqs: [
    switchyard(async () => ({
      adapters: [sqsAdapter],
      defaultStore: 'sqs',
      sqs: {
        endpoint: (await testServer('sqs')).url,
        region: 'elasticmq',
        credentials: { accessKeyId: 'bench', secretAccessKey: 'bench' },
        queueNamePrefix: `bench-${randomUUID().slice(0, 8)}`,
      },
    })),
    sqsConsumerContestant,
    sqsConsumerBatchContestant,
  ],
  kafka: [
    switchyard(async ({ partitions }) => ({
      defaultStore: 'kafka',
      kafka: { brokers: [(await testServer('kafka')).url], partitions },
    })),
    kafkajsContestant,
    kafkajsBatchContestant,
    platformaticKafkaContestant,
  ],
};

/** Whom all others are compared with, where it is not this project that is compared with each of them. */
export const BASELINES: Readonly<Record<string, Contestant>> = { kafka: kafkajsContestant };
