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
  const packagePaths = ['../../', '../../../queue-redis/'].map(folder =>
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
});
