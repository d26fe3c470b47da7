import { randomUUID } from 'node:crypto';
import { ReceiveMessageCommand, SQSClient, type Message } from '@aws-sdk/client-sqs';
import type { AdapterReport, Delivery, JobDelivery, NewJob, StoreQueue } from '@switchyard/queue-api';
import { testServer } from '@switchyard/test-servers';
import { configSchema } from '../src/config.ts';
import { type Limits, SQS_LIMITS } from '../src/limits.ts';
import { physicalNames } from '../src/queue-names.ts';
import { connectSqsStore } from '../src/sqs-store.ts';

/** What one must be told to use a server of one's own. */
export function settingsFor(endpoint: string) {
  return { endpoint, region: 'elasticmq', credentials: { accessKeyId: 'test', secretAccessKey: 'test' } };
}

/** A client with nothing of ours around it. */
export function plainClient(endpoint: string): SQSClient {
  return new SQSClient(settingsFor(endpoint));
}

export interface OpenOptions {
  readonly endpoint?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly limits?: Partial<Limits>;
  /** The queue to open. Default: one that nobody has used. */
  readonly name?: string;
  readonly maxAttempts?: number;
}

/** A connection, one queue in it, and a plain client to look at what lies there. */
export async function openStore({
  endpoint,
  settings,
  limits,
  name = `work-${randomUUID()}`,
  maxAttempts,
}: OpenOptions = {}) {
  const url = endpoint ?? (await testServer('sqs')).url;
  const config = configSchema.parse({ ...settingsFor(url), ...settings });
  const reports: AdapterReport[] = [];
  const report = (event: AdapterReport) => void reports.push(event);
  const store = await connectSqsStore(config, { report }, { ...SQS_LIMITS, ...limits });
  const toOpen = { plugin: 'test', name, ...(maxAttempts !== undefined && { maxAttempts }) };
  const client = plainClient((await testServer('sqs')).url);
  try {
    const queue = await store.open(toOpen);
    const names = physicalNames(config.queueNamePrefix, toOpen);
    return {
      store,
      queue,
      client,
      reports,
      name,
      names,
      /** Whatever lies in a queue, taken out of it for a minute. */
      look: (queueName: string) => look(client, queueName),
      async [Symbol.asyncDispose]() {
        client.destroy();
        await store.close({ timeoutMs: 1000 });
      },
    };
  } catch (error) {
    client.destroy();
    await store.close({ timeoutMs: 1000 });
    throw error;
  }
}

async function look(client: SQSClient, queueName: string): Promise<Message[]> {
  const QueueUrl = `${(await testServer('sqs')).url}/000000000000/${queueName}`;
  const command = new ReceiveMessageCommand({
    QueueUrl,
    MaxNumberOfMessages: 10,
    VisibilityTimeout: 60,
    MessageAttributeNames: ['All'],
    MessageSystemAttributeNames: ['All'],
  });
  return (await client.send(command)).Messages ?? [];
}

export function newJob(job: Partial<NewJob> = {}): NewJob {
  return { id: randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0, ...job };
}

export const IN_TIME = { timeoutMs: 5000 };

export function reserve(queue: StoreQueue, { max = 1, waitMs = 5000, leaseMs = 30_000 } = {}) {
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
