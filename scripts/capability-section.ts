import type { QueueAdapter, StoreCapabilities } from '@switchyard/queue-api';
import { capabilityTable } from '@switchyard/queue-conformance';
import { kafkaAdapter } from '@switchyard/queue-kafka';
import { memoryAdapter } from '@switchyard/queue-memory';
import { postgresAdapter } from '@switchyard/queue-postgres';
import { redisAdapter } from '@switchyard/queue-redis';
import { sqsAdapter } from '@switchyard/queue-sqs';
import { testServer } from '@switchyard/test-servers';
import { format, resolveConfig } from 'prettier';

const SECTION = /(?<=<!-- capabilities:begin -->\n)[^]*?(?=<!-- capabilities:end -->)/;

/** What a page says that stores can do. */
export function capabilitySection(page: string): string {
  const [section] = SECTION.exec(page) ?? [];
  if (section === undefined)
    throw new Error('There is no <!-- capabilities:begin --> before a <!-- capabilities:end -->');
  return section;
}

/** The page with the table as the stores of today have it. */
export async function renewCapabilitySection(page: string): Promise<string> {
  const table = capabilityTable({
    memory: await capabilitiesOf(memoryAdapter, undefined),
    redis: await capabilitiesOf(redisAdapter, { connection: (await testServer('redis')).url, keyPrefix: 'docs' }),
    postgres: await capabilitiesOf(postgresAdapter, {
      connection: (await testServer('postgres')).url,
      schema: 'docs',
      poolSize: 2,
      createSchema: true,
    }),
    sqs: await capabilitiesOf(sqsAdapter, {
      region: 'eu-central-1',
      autoCreate: false,
      queueNamePrefix: 'docs',
      queues: {},
      maxMessageBytes: 1024 * 1024,
    }),
    kafka: await capabilitiesOf(kafkaAdapter, {
      brokers: [(await testServer('kafka')).url],
      clientId: 'docs',
      topicPrefix: 'docs',
      partitions: 6,
      autoCreateTopics: false,
      delaySteps: [100, 300, 1000],
      maxUncommitted: 1000,
    }),
  });
  const renewed = page.replace(SECTION, () => `\n${table}\n`);
  const options = await resolveConfig(new URL('../package.json', import.meta.url));
  return format(renewed, { ...options, parser: 'markdown' });
}

async function capabilitiesOf<Config>(adapter: QueueAdapter<Config>, config: Config): Promise<StoreCapabilities> {
  const deadLetters = { maxAgeMs: 0, maxCount: 0 };
  const store = await adapter.connect(config, { instance: 'docs', deadLetters, report: () => {} });
  await store.close({ timeoutMs: 1000 });
  return store.capabilities;
}
