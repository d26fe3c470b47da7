import { deleteRecordsV2, listOffsetsV7 } from '@platformatic/kafka';
import { Deadline } from '../in-time.ts';
import { type Cluster, SLOW_REQUEST_TIMEOUT_MS } from './cluster.ts';
import { answerWithin, BrokerError, nameOfCode } from './errors.ts';

export interface TopicPartition {
  readonly topic: string;
  readonly partition: number;
}

/** Where the log of a partition begins and ends: `end` is the offset that the next record gets. */
export interface LogRange {
  readonly start: number;
  readonly end: number;
}

const EARLIEST = -2n;
const LATEST = -1n;
const CONSUMER = -1;
const READ_UNCOMMITTED = 0;

/** Where logs begin and end. Rejects unless all of them are known. */
export async function logRanges(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timeoutMs: number,
): Promise<Map<TopicPartition, LogRange>> {
  const deadline = new Deadline(timeoutMs);
  const [starts, ends] = await Promise.all([
    listOffsets(cluster, partitions, EARLIEST, deadline),
    listOffsets(cluster, partitions, LATEST, deadline),
  ]);
  return new Map(
    partitions.map(partition => [partition, { start: starts.get(partition) ?? 0, end: ends.get(partition) ?? 0 }]),
  );
}

async function listOffsets(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
  deadline: Deadline,
): Promise<Map<TopicPartition, number>> {
  const found = new Map<TopicPartition, number>();
  const byLeader = await groupByLeader(cluster, partitions, deadline);
  await Promise.all(
    [...byLeader].map(async ([node, those]) => {
      const topics = byTopic(those, ({ topic, partition }) => ({
        partitionIndex: partition,
        currentLeaderEpoch: cluster.known(topic)?.partitions[partition]?.epoch ?? -1,
        timestamp,
      }));
      const what = 'where logs begin and end';
      const request: Parameters<typeof listOffsetsV7.createRequest> = [CONSUMER, READ_UNCOMMITTED, topics];
      let answer: listOffsetsV7.ListOffsetsResponse;
      try {
        const link = cluster.link(node, 'shared');
        answer = await answerOf(link.call(what, listOffsetsV7.api, request, Math.max(1, deadline.left)));
      } catch (error) {
        // Another one may lead them by now.
        for (const { topic } of those) cluster.isStale(topic);
        throw error;
      }
      for (const partition of those) {
        const said = answer.topics
          .find(({ name }) => name === partition.topic)
          ?.partitions.find(({ partitionIndex }) => partitionIndex === partition.partition);
        if (said === undefined || said.errorCode !== 0) {
          cluster.isStale(partition.topic);
          throw new BrokerError(what, said === undefined ? 'UNKNOWN_SERVER_ERROR' : nameOfCode(said.errorCode));
        }
        found.set(partition, Number(said.offset));
      }
    }),
  );
  return found;
}

/** Removes records below these offsets. Answers with an error code for each that could not. */
export async function deleteRecords(
  cluster: Cluster,
  ends: readonly (TopicPartition & { readonly offset: number })[],
  timeoutMs: number,
): Promise<Map<TopicPartition, string>> {
  const deadline = new Deadline(timeoutMs);
  const failed = new Map<TopicPartition, string>();
  const byLeader = await groupByLeader(cluster, ends, deadline);
  await Promise.all(
    [...byLeader].map(async ([node, those]) => {
      const topics = byTopic(those, ({ partition, offset }) => ({ partitionIndex: partition, offset: BigInt(offset) }));
      const left = Math.max(1, Math.round(deadline.left));
      const answer = await answerOf<deleteRecordsV2.DeleteRecordsResponse>(
        cluster
          .link(node, 'changes', SLOW_REQUEST_TIMEOUT_MS)
          .call('to remove records', deleteRecordsV2.api, [topics, left], left),
      );
      for (const end of those) {
        const code = answer.topics
          .find(({ name }) => name === end.topic)
          ?.partitions.find(({ partitionIndex }) => partitionIndex === end.partition)?.errorCode;
        if (code !== 0) failed.set(end, nameOfCode(code ?? -1));
      }
    }),
  );
  return failed;
}

async function groupByLeader<P extends TopicPartition>(
  cluster: Cluster,
  partitions: readonly P[],
  deadline: Deadline,
): Promise<Map<number, P[]>> {
  const names = [...new Set(partitions.map(({ topic }) => topic))];
  await cluster.topics(names, { timeoutMs: Math.max(1, deadline.left) });
  const byLeader = new Map<number, P[]>();
  for (const partition of partitions) {
    const node = cluster.known(partition.topic)?.partitions[partition.partition]?.node ?? -1;
    if (node < 0) {
      cluster.isStale(partition.topic);
      throw new BrokerError(`partition ${partition.partition} of ${partition.topic}`, 'LEADER_NOT_AVAILABLE');
    }
    byLeader.set(node, [...(byLeader.get(node) ?? []), partition]);
  }
  return byLeader;
}

/** Partitions as most requests want them: by their topics. */
export function byTopic<P extends TopicPartition, Written>(
  partitions: readonly P[],
  write: (partition: P) => Written,
): { name: string; partitions: Written[] }[] {
  const topics = new Map<string, Written[]>();
  for (const partition of partitions) {
    const written = topics.get(partition.topic) ?? [];
    topics.set(partition.topic, written);
    written.push(write(partition));
  }
  return [...topics].map(([name, written]) => ({ name, partitions: written }));
}

/** The answer, also where parts of it are errors. */
export async function answerOf<Answer>(call: Promise<Answer>): Promise<Answer> {
  try {
    return await call;
  } catch (error) {
    const answer = answerWithin(error) as Answer | undefined;
    if (answer === undefined) throw error;
    return answer;
  }
}
