import { fileURLToPath } from 'node:url';
import { loadConfigSchema, type ConfigSchema } from '@backstage/config-loader';
import { ConfigReader } from '@backstage/config';
import type { JsonObject } from '@backstage/types';
import { QueueManager } from '@switchyard/queue-service';
import { beforeAll, describe, expect, it } from 'vitest';

// `config.d.ts` is what `backstage-cli config:check` and the redaction of secrets in logs go by, the engine's own check
// what decides at the start. An operator must not hear two different things from them.
let schema: ConfigSchema;

beforeAll(async () => {
  const packagePaths = ['../../', '../../../queue-kafka/', '../../../queue-redis/'].map(folder =>
    fileURLToPath(new URL(`${folder}package.json`, import.meta.url)),
  );
  schema = await loadConfigSchema({ dependencies: [], packagePaths, excludePackageDependencies: true });
}, 60_000);

const checkSchema = (queue: JsonObject) => schema.process([{ context: 'test', data: { backend: { queue } } }]);

const checkEngine = (queue: JsonObject) => QueueManager.fromConfig(new ConfigReader({ backend: { queue } }));

describe('config.d.ts', () => {
  it.each<JsonObject>([
    {},
    {
      defaultStore: 'memory',
      defaultConcurrency: 4,
      maxAttempts: 3,
      leaseDuration: 60_000,
      addTimeout: '5s',
      shutdownTimeout: { seconds: 20 },
      process: { exclude: ['reports'] },
      unsupportedOptions: 'error',
      adapters: [],
      deadLetters: { maxAge: { days: 7 }, maxCount: 100 },
    },
    // What environment variables yield.
    {
      defaultConcurrency: '4',
      maxAttempts: '3',
      process: 'false',
      leaseDuration: 'PT30S',
      deadLetters: { maxCount: '5' },
    },
    { process: { include: ['reports'] } },
    { redis: { connection: 'redis://localhost', tls: { rejectUnauthorized: false }, keyPrefix: 'mine' } },
    { redis: { sentinel: { name: 'mymaster', sentinels: ['redis://localhost:26379'], db: 1 } } },
    { redis: { cluster: { nodes: ['redis://localhost:7000'], username: 'jobs', password: 'secret' } } },
    { kafka: { brokers: 'localhost:9092,localhost:9093', ssl: 'true', partitions: '12', autoCreateTopics: 'false' } },
    { kafka: { brokers: ['localhost:9092'], ssl: false, delaySteps: [100, '1s', '2000', { minutes: 1 }] } },
    { kafka: { brokers: ['localhost:9092'], ssl: { ca: 'PEM', rejectUnauthorized: 'false' } } },
  ])('accepts what the engine accepts: %j', queue => {
    expect(() => checkEngine(queue)).not.toThrow();
    expect(() => checkSchema(queue)).not.toThrow();
  });

  it.each<JsonObject>([
    { defaultConcurrency: 'many' },
    { maxAttempts: {} },
    { leaseDuration: [] },
    { process: 'sometimes' },
    { process: { include: 'reports' } },
    { unsupportedOptions: 'ignore' },
    { adapters: '@acme/queue-nats' },
    { deadLetters: { maxAge: { days: 'seven' } } },
  ])('refuses what the engine refuses: %j', queue => {
    expect(() => checkEngine(queue)).toThrow('backend.queue');
    expect(() => checkSchema(queue)).toThrow('/backend/queue');
  });

  it('hides the secrets of a store and nothing else', () => {
    const secrets = { ssl: { key: 'PEM', passphrase: 'secret' }, sasl: { password: 'secret' } };
    const kafka = {
      brokers: ['localhost:9092'],
      ssl: { ca: 'PEM', cert: 'PEM', ...secrets.ssl },
      sasl: { mechanism: 'plain', username: 'jobs', ...secrets.sasl },
    };
    const config = { context: 'test', data: { backend: { queue: { kafka } } } };
    const [hidden] = schema.process([config], { visibility: ['secret'] });
    expect(hidden?.data).toEqual({ backend: { queue: { kafka: secrets } } });
  });
});
