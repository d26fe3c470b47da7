import { ConfigResourceTypes, describeConfigsV4 } from '@platformatic/kafka';
import type { Cluster } from './kafka/cluster.ts';
import { answerOf } from './kafka/offsets.ts';

/** The settings of a topic, by their names. */
export type TopicSettings = ReadonlyMap<string, string | null>;

export interface TopicProblem {
  readonly code: string;
  readonly message: string;
  /** The queue cannot work with it. */
  readonly isFatal: boolean;
}

const KEYS = ['max.message.bytes', 'retention.ms', 'retention.bytes', 'cleanup.policy', 'message.timestamp.type'];

/** What brokers say of these topics; those that may not be read are left out. */
export async function topicSettings(
  cluster: Cluster,
  topics: readonly string[],
  timeoutMs: number,
): Promise<Map<string, TopicSettings>> {
  const resources = topics.map(resourceName => ({
    resourceType: ConfigResourceTypes.TOPIC,
    resourceName,
    configurationKeys: KEYS,
  }));
  const request: Parameters<typeof describeConfigsV4.createRequest> = [resources, false, false];
  const call = cluster.ask('the settings of topics', describeConfigsV4.api, request, timeoutMs);
  const { results } = await answerOf<describeConfigsV4.DescribeConfigsResponse>(call);
  const readable = results.filter(({ errorCode }) => errorCode === 0);
  return new Map(
    readable.map(({ resourceName, configs }) => [
      resourceName,
      new Map(configs.map(({ name, value }) => [name, value ?? null])),
    ]),
  );
}

/** What would lose jobs, or have them wait for something else than the clock. */
export function problemsOf(topics: ReadonlyMap<string, TopicSettings>): TopicProblem[] {
  return [...topics].flatMap(([topic, settings]) => {
    const problems: TopicProblem[] = [];
    const warn = (code: string, message: string) => void problems.push({ code, message, isFatal: false });
    const policy = settings.get('cleanup.policy') ?? 'delete';
    if (policy.includes('compact')) {
      const message = `The topic ${topic} has cleanup.policy=${policy}: Kafka would throw records away that are still needed. Set it to delete`;
      problems.push({ code: 'cleanup-policy', message, isFatal: true });
    }
    const stampedBy = settings.get('message.timestamp.type') ?? 'LogAppendTime';
    if (stampedBy !== 'LogAppendTime') {
      const message = `${topic} has message.timestamp.type=${stampedBy}: delays are counted by the clocks of the workers then. Set it to LogAppendTime`;
      warn('timestamp-type', message);
    }
    for (const key of ['retention.ms', 'retention.bytes']) {
      const kept = settings.get(key) ?? '-1';
      if (Number(kept) < 0) continue;
      warn(
        `${key.replace('.', '-')}-set`,
        `${topic} has ${key}=${kept}: Kafka deletes jobs that still wait then. Set it to -1`,
      );
    }
    return problems;
  });
}
