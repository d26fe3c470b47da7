import type { AdapterContext, QueueName, QueueStore, QueueToOpen, StoreQueue } from '@switchyard/queue-api';
import { QueueConfigError, QueueUnavailableError } from '@switchyard/queue-api';
import { capabilitiesFor } from './capabilities.ts';
import { checkDeadQueue, checkQueue, type QueueFacts } from './check-queue.ts';
import { classify } from './classify.ts';
import { createClient } from './client.ts';
import type { SqsConfig } from './config.ts';
import { atMost } from './in-time.ts';
import { type Limits, SQS_LIMITS } from './limits.ts';
import { Poller } from './poller.ts';
import { QueueFinder } from './queue-finder.ts';
import { deadNameBeside, nameAt, physicalNames } from './queue-names.ts';
import { Settler } from './settler.ts';
import { SqsApi } from './sqs-api.ts';
import { SqsQueue } from './sqs-queue.ts';

/**
 * Resolves at once where there is a region: SQS has no connections of its own. `limits` are for tests.
 */
export async function connectSqsStore(
  config: SqsConfig,
  context: Pick<AdapterContext, 'report'>,
  limits: Limits = SQS_LIMITS,
): Promise<QueueStore> {
  const report: AdapterContext['report'] = event => context.report(event);
  const { autoCreate, maxMessageBytes } = config;
  const client = await createClient(config);
  const region = await client.config.region();
  const api = new SqsApi(client);
  /** Those that are open, and those that still wait for a poll. */
  const queues = new Set<SqsQueue>();
  let closing: Promise<void> | undefined;

  async function close(options: { readonly timeoutMs: number }): Promise<void> {
    const closed = Promise.all([...queues].map(queue => queue.close(options)));
    await atMost(options.timeoutMs, Promise.all([closed, ...[...queues].map(queue => queue.idle())]));
    api.destroy();
  }

  return {
    capabilities: capabilitiesFor(maxMessageBytes),
    classify,
    async open(queue: QueueToOpen): Promise<StoreQueue> {
      if (closing !== undefined) throw new QueueUnavailableError('not-stored', 'The SQS store is closed');
      const { main: mainName, dead: deadName, url } = whereIs(queue, config);
      const main = new QueueFinder({ api, name: mainName, url, autoCreate, region });
      const dead = new QueueFinder({ api, name: deadName, url: undefined, autoCreate, region });
      // Who does not say how often its jobs run is refused nothing but what leaves no second run.
      const { maxAttempts = 1, name } = queue;
      let facts: QueueFacts | undefined;
      try {
        facts = await checkQueue(api, await main.place(), { maxAttempts, maxMessageBytes, report, queue: name });
      } catch (error) {
        main.failed(error);
        throw error;
      }
      const maxBytes = () => facts?.maxBytes ?? maxMessageBytes;
      const prepareDead = async () =>
        checkDeadQueue(api, await dead.place(), { maxMessageBytes: maxBytes(), report, queue: name });
      const opened: SqsQueue = new SqsQueue({
        name,
        api,
        main,
        dead,
        limits,
        maxBytes,
        poller: new Poller({ api, main, limits, maxBytes, report, queue: name }),
        settler: new Settler({ api, main, dead, limits, maxBytes }),
        onWork() {
          if (facts === undefined) {
            const message = `The settings of the queue ${mainName} may not be read: a redrive policy that takes jobs away goes unnoticed, and so does their number. Allow sqs:GetQueueAttributes`;
            report({ level: 'warning', code: 'attributes-denied', message, queue: name });
          }
          // Better known now than when the first job is dead.
          void prepareDead().catch((cause: unknown) => {
            const message = `The dead letters of the queue ${mainName} have no place yet: ${String(cause)}`;
            report({ level: 'warning', code: 'dead-queue', message, queue: name, cause });
          });
        },
        onIdle: () => queues.delete(opened),
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

/** What the queues are called, and where the main one is if the operator has said so. */
function whereIs(queue: QueueName, { queues, queueNamePrefix }: SqsConfig) {
  const key = queue.plugin === '' ? queue.name : `${queue.plugin}/${queue.name}`;
  const configured = Object.hasOwn(queues, key) ? queues[key] : undefined;
  if (configured === undefined) {
    if (key !== queue.name && Object.hasOwn(queues, queue.name)) {
      const message = `sqs.queues has ${queue.name}, but the queue is the plugin ${queue.plugin}'s: write ${key}, so that no other plugin gets it too`;
      throw new QueueConfigError(message, { queue: queue.name });
    }
    return { ...physicalNames(queueNamePrefix, queue), url: undefined };
  }
  const { url } = configured;
  const main = nameAt(url);
  return { main, dead: deadNameBeside(main), url };
}
