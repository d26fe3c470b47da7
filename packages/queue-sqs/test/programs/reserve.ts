// Asks a queue for jobs again and again: `node reserve.ts '<settings as JSON>'`. Its messages hop as often as it is told.
import { configSchema } from '../../src/config.ts';
import { SQS_LIMITS } from '../../src/limits.ts';
import { connectSqsStore } from '../../src/sqs-store.ts';

const { endpoint, name, delayMs, leaseMs } = JSON.parse(process.argv[2] ?? '') as {
  endpoint: string;
  name: string;
  delayMs: number;
  leaseMs: number;
};
const credentials = { accessKeyId: 'test', secretAccessKey: 'test' };
const config = configSchema.parse({ endpoint, region: 'elasticmq', credentials });
const store = await connectSqsStore(config, { report() {} }, { ...SQS_LIMITS, delayMs });
const queue = await store.open({ plugin: 'test', name });
const { signal } = new AbortController();
for (;;) await queue.reserve({ max: 10, leaseMs, waitMs: 20_000, signal });
