import { randomUUID } from 'node:crypto';
import type { AdapterReport, Delivery, JobDelivery, NewJob, StoreQueue } from '@switchyard/queue-api';
import { testServer } from '@switchyard/test-servers';
import { Kafka, logLevel } from 'kafkajs';
import { configSchema } from '../src/config.ts';
import { connectKafkaStore, type Pace } from '../src/kafka-store.ts';
import { topicNames } from '../src/topic-names.ts';

export interface OpenOptions {
  /** Default: the server that all tests share. */
  readonly brokers?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly pace?: Pace;
  /** The queue to open. Default: one that nobody has used. */
  readonly name?: string;
}

/** Somebody else's client, to look at what lies in Kafka, and to put something there. */
export function otherClient(brokers: string): Kafka {
  return new Kafka({ brokers: brokers.split(','), clientId: 'somebody-else', logLevel: logLevel.NOTHING });
}

/** A connection and one queue in it. */
export async function openStore({ brokers, settings, pace, name = `work-${randomUUID()}` }: OpenOptions = {}) {
  const url = brokers ?? (await testServer('kafka')).url;
  const config = configSchema.parse({ brokers: url, partitions: 2, ...settings });
  const reports: AdapterReport[] = [];
  const report = (event: AdapterReport) => void reports.push(event);
  const store = await connectKafkaStore(
    config,
    { report, deadLetters: { maxAgeMs: 2_592_000_000, maxCount: 10_000 } },
    pace,
  );
  const toOpen = { plugin: 'test', name };
  try {
    const queue = await store.open(toOpen);
    return {
      store,
      queue,
      reports,
      name,
      url,
      topics: topicNames(config.topicPrefix, toOpen),
      async [Symbol.asyncDispose]() {
        await store.close({ timeoutMs: 5000 });
      },
    };
  } catch (error) {
    await store.close({ timeoutMs: 1000 });
    throw error;
  }
}

export function newJob(job: Partial<NewJob> = {}): NewJob {
  return { id: randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0, ...job };
}

export const IN_TIME = { timeoutMs: 10_000 };

export function reserve(queue: StoreQueue, { max = 1, waitMs = 10_000, leaseMs = 30_000 } = {}) {
  return queue.reserve({ max, waitMs, leaseMs, signal: new AbortController().signal });
}

/** The next job, which must come. */
export async function takeOne(
  queue: StoreQueue,
  options: { waitMs?: number; leaseMs?: number } = {},
): Promise<JobDelivery> {
  const [delivery] = await reserve(queue, options);
  return asJob(delivery);
}

export function asJob(delivery: Delivery | undefined): JobDelivery {
  if (delivery?.kind !== 'job') throw new Error(`Expected a job, got ${delivery?.kind ?? 'nothing'}`);
  return delivery;
}
