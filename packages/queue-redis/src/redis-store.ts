import type { AdapterContext, QueueName, QueueStore, StoreQueue } from '@switchyard/queue-api';
import { QueueUnavailableError } from '@switchyard/queue-api';
import { CAPABILITIES } from './capabilities.ts';
import { checkServer } from './check-server.ts';
import { classify } from './classify.ts';
import { createClient, createSubscriber } from './clients.ts';
import type { RedisConfig } from './config.ts';
import { connectClient } from './connect-client.ts';
import { queueKeys } from './keys.ts';
import { RedisQueue } from './redis-queue.ts';
import { WakeUps } from './wake-ups.ts';

/** Connects, or rejects with what stands in the way. */
export async function connectRedisStore(config: RedisConfig, context: AdapterContext): Promise<QueueStore> {
  const report: AdapterContext['report'] = event => context.report(event);
  const name = `switchyard-${context.instance}`;
  const client = createClient(config, name);
  await connectClient(client, config);
  client.on('error', (cause: unknown) => {
    report({ level: 'error', code: 'connection', message: 'The connection to Redis failed', cause });
  });
  void checkServer(client, report);

  const wakeUps = new WakeUps({ createSubscriber: () => createSubscriber(config, client, `${name}-wake`), report });
  const queues = new Set<StoreQueue>();
  let closing: Promise<void> | undefined;

  async function close(options: { readonly timeoutMs: number }): Promise<void> {
    await Promise.all([...queues].map(queue => queue.close(options)));
    wakeUps.close();
    client.disconnect();
  }

  return {
    capabilities: CAPABILITIES,
    classify,
    async open(queue: QueueName): Promise<StoreQueue> {
      if (closing !== undefined) throw new QueueUnavailableError('not-stored', 'The Redis store is closed');
      const opened = new RedisQueue({
        name: queue.name,
        keys: queueKeys(config.keyPrefix, queue),
        client,
        wakeUps,
        deadLetters: context.deadLetters,
        onUntold() {
          const message =
            "The Redis user may not publish: jobs are found by looking. Allow it the channels of the store's keyPrefix (ACL SETUSER … '&prefix:*')";
          report({ level: 'warning', code: 'wake-up-denied', message });
        },
        onClose: () => queues.delete(opened),
      });
      queues.add(opened);
      return opened;
    },
    close(options) {
      closing ??= close(options);
      return closing;
    },
  };
}
