import { apiVersionsV3, metadataV12 } from '@platformatic/kafka';
import { QueueConfigError } from '@switchyard/queue-api';
import { Deadline } from '../in-time.ts';
import type { Cluster } from './cluster.ts';
import { NotSentError } from './errors.ts';

/** The newest that is used of each request that matters; all of them are in Kafka 3.1. */
const NEEDED: readonly (readonly [name: string, key: number, version: number])[] = [
  ['Produce', 0, 9],
  ['Fetch', 1, 13],
  ['ListOffsets', 2, 7],
  ['Metadata', 3, 12],
  ['OffsetCommit', 8, 8],
  ['OffsetFetch', 9, 8],
  ['FindCoordinator', 10, 4],
  ['JoinGroup', 11, 6],
  ['Heartbeat', 12, 4],
  ['LeaveGroup', 13, 4],
  ['SyncGroup', 14, 4],
  ['CreateTopics', 19, 5],
  ['DeleteRecords', 21, 2],
  ['InitProducerId', 22, 4],
  ['DescribeConfigs', 32, 4],
];

/** Brokers do not say why they hang up on somebody. */
const HINT = 'A listener that wants SASL or TLS does so where it gets none: see kafka.sasl and kafka.ssl';

/** Asks a broker what it speaks, which is how we know that there is one, and something that it tells only whom it lets in. */
export async function meetBroker(cluster: Cluster, timeoutMs: number): Promise<void> {
  const deadline = new Deadline(timeoutMs);
  await checkVersions(cluster, timeoutMs);
  await cluster
    .ask('metadata', metadataV12.api, [[], false, false], Math.max(1, deadline.left))
    .catch((error: unknown) => {
      const isHungUp = error instanceof NotSentError && error.message.includes('Connection closed');
      throw isHungUp ? new NotSentError('The first request', new Error(`${error.message}. ${HINT}`)) : error;
    });
}

export async function checkVersions(cluster: Pick<Cluster, 'ask'>, timeoutMs: number): Promise<void> {
  const { apiKeys } = await cluster.ask('which versions it knows', apiVersionsV3.api, ['switchyard', '1'], timeoutMs);
  for (const [name, key, version] of NEEDED) {
    const known = apiKeys.find(({ apiKey }) => apiKey === key);
    if (known !== undefined && known.minVersion <= version && known.maxVersion >= version) continue;
    const range = known === undefined ? 'none' : `${known.minVersion} to ${known.maxVersion}`;
    throw new QueueConfigError(
      `The broker does not speak ${name} in version ${version} (${range}): the Kafka store needs Kafka 3.1 or later`,
    );
  }
}
