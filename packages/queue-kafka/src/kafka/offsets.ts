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

const ASKED = 'where logs begin and end';
const EARLIEST = -2n;
const LATEST = -1n;
const CONSUMER = -1;
const READ_UNCOMMITTED = 0;

/** Where logs begin and end. Rejects unless all of them are known. */
export async function logRanges(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timeoutMs: number,
): Promise<ReadonlyMap<TopicPartition, LogRange>> {
  const { ranges, failure } = await knownLogRanges(cluster, partitions, timeoutMs);
  if (ranges.size < partitions.length) throw failure;
  return ranges;
}

/** The same of those that have a leader which answers, and why others are missing. Rejects if nothing is known of the topics. */
export async function knownLogRanges(
  cluster: Cluster,
  partitions: readonly TopicPartition[],
  timeoutMs: number,
): Promise<{ readonly ranges: ReadonlyMap<TopicPartition, LogRange>; readonly failure: unknown }> {
  const deadline = new Deadline(timeoutMs);
  const { byLeader, leaderless } = await groupByLeader(cluster, partitions, deadline);
  const ranges = new Map<TopicPartition, LogRange>();
  let failure: unknown = leaderless;
  const ofLeader = async (node: number, those: readonly TopicPartition[]): Promise<void> => {
    try {
      const [starts, ends] = await Promise.all([
        listOffsets(cluster, node, those, EARLIEST, deadline),
        listOffsets(cluster, node, those, LATEST, deadline),
      ]);
      for (const place of those) {
        const [start, end] = [starts.get(place), ends.get(place)];
        if (start !== undefined && end !== undefined) ranges.set(place, { start, end });
        else failure = new BrokerError(ASKED, 'NOT_LEADER_OR_FOLLOWER');
      }
    } catch (error) {
      // Another one may lead them by now.
      for (const { topic } of those) cluster.isStale(topic);
      failure = error;
    }
  };
  await Promise.all([...byLeader].map(([node, those]) => ofLeader(node, those)));
  return { ranges, failure };
}

/** Those that the leader knows. */
async function listOffsets(
  cluster: Cluster,
  node: number,
  partitions: readonly TopicPartition[],
  timestamp: bigint,
  deadline: Deadline,
): Promise<Map<TopicPartition, number>> {
  const topics = byTopic(partitions, ({ topic, partition }) => ({
    partitionIndex: partition,
    currentLeaderEpoch: cluster.known(topic)?.partitions[partition]?.epoch ?? -1,
    timestamp,
  }));
  const request: Parameters<typeof listOffsetsV7.createRequest> = [CONSUMER, READ_UNCOMMITTED, topics];
  const link = cluster.link(node, 'shared');
  const answer = await answerOf<listOffsetsV7.ListOffsetsResponse>(
    link.call(ASKED, listOffsetsV7.api, request, Math.max(1, deadline.left)),
  );
  const found = new Map<TopicPartition, number>();
  for (const place of partitions) {
    const said = answer.topics
      .find(({ name }) => name === place.topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === place.partition);
    if (said?.errorCode === 0) found.set(place, Number(said.offset));
    else cluster.isStale(place.topic);
  }
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
  const { byLeader, leaderless } = await groupByLeader(cluster, ends, deadline);
  if (leaderless !== undefined) throw leaderless;
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
): Promise<{ readonly byLeader: ReadonlyMap<number, P[]>; readonly leaderless: BrokerError | undefined }> {
  const names = [...new Set(partitions.map(({ topic }) => topic))];
  await cluster.topics(names, { timeoutMs: Math.max(1, deadline.left) });
  const byLeader = new Map<number, P[]>();
  let leaderless: BrokerError | undefined;
  for (const partition of partitions) {
    const node = cluster.known(partition.topic)?.partitions[partition.partition]?.node ?? -1;
    if (node < 0) {
      cluster.isStale(partition.topic);
      leaderless = new BrokerError(`partition ${partition.partition} of ${partition.topic}`, 'LEADER_NOT_AVAILABLE');
      continue;
    }
    byLeader.set(node, [...(byLeader.get(node) ?? []), partition]);
  }
  return { byLeader, leaderless };
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
