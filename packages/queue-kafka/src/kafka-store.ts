import {
  type AdapterContext,
  type QueueStore,
  type QueueToOpen,
  QueueUnavailableError,
  type StoreQueue,
} from '@switchyard/queue-api';
import { capabilitiesFor, USUAL_MESSAGE_BYTES } from './capabilities.ts';
import { classify } from './classify.ts';
import type { KafkaConfig } from './config.ts';
import { atMost } from './in-time.ts';
import { BrokerClocks } from './kafka/broker-clocks.ts';
import { meetBroker } from './kafka/meet-broker.ts';
import { Cluster } from './kafka/cluster.ts';
import { Producer } from './kafka/producer.ts';
import { brokerAddresses, securityOf } from './kafka/security.ts';
import { KafkaQueue } from './kafka-queue.ts';
import { QueueTopics } from './queue-topics.ts';
import { topicNames } from './topic-names.ts';

/** For tests. */
export interface Pace {
  readonly trimEveryMs: number;
}

const USUAL_PACE: Pace = { trimEveryMs: 30_000 };
const CONNECT_TIMEOUT_MS = 3000;
const FIRST_ANSWER_MS = 8000;
const OPEN_TIMEOUT_MS = 10_000;

/** Resolves once a broker has answered that speaks the versions we do. */
export async function connectKafkaStore(
  config: KafkaConfig,
  context: Pick<AdapterContext, 'report' | 'deadLetters'>,
  { trimEveryMs }: Pace = USUAL_PACE,
): Promise<QueueStore> {
  const deadLettersMs = context.deadLetters.maxAgeMs;
  const report: AdapterContext['report'] = event => context.report(event);
  const { clientId, topicPrefix, delaySteps, maxUncommitted, maxMessageBytes = USUAL_MESSAGE_BYTES } = config;
  const cluster = new Cluster(brokerAddresses(config), {
    clientId,
    security: securityOf(config),
    connectTimeoutMs: CONNECT_TIMEOUT_MS,
  });
  try {
    await meetBroker(cluster, FIRST_ANSWER_MS);
  } catch (error) {
    cluster.close();
    throw error;
  }
  const clocks = new BrokerClocks();
  const producer = new Producer(cluster, clocks);
  const queues = new Set<KafkaQueue>();
  let closing: Promise<void> | undefined;

  async function close({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    await atMost(timeoutMs, Promise.all([...queues].map(queue => queue.close({ timeoutMs }))));
    producer.close();
    cluster.close();
  }

  return {
    capabilities: capabilitiesFor(maxMessageBytes, delaySteps),
    classify,
    async open(queue: QueueToOpen): Promise<StoreQueue> {
      if (closing !== undefined) throw new QueueUnavailableError('not-stored', 'The Kafka store is closed');
      const { name } = queue;
      const names = topicNames(topicPrefix, queue);
      const topics = new QueueTopics({ cluster, names, queue: name, config, deadLettersMs, report });
      await topics.ensure(OPEN_TIMEOUT_MS);
      const opened: KafkaQueue = new KafkaQueue({
        name,
        cluster,
        clocks,
        producer,
        topics,
        maxUncommitted,
        trimEveryMs,
        report,
        onClosed: () => queues.delete(opened),
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
