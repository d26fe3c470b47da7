import { offsetCommitV8, offsetFetchV8 } from '@platformatic/kafka';
import type { BrokerLink } from '../kafka/broker-link.ts';
import { BrokerError, nameOfCode } from '../kafka/errors.ts';
import { answerOf, byTopic, type TopicPartition } from '../kafka/offsets.ts';

export interface OffsetToCommit extends TopicPartition {
  readonly offset: number;
  readonly epoch: number;
  readonly metadata: string;
}

export interface CommittedOffset {
  readonly offset: number;
  /** -1: not known. */
  readonly epoch: number;
  readonly metadata: string;
}

/** Commits as this member, in this generation. Answers with the codes of what was refused. */
export async function commitOffsets(
  link: BrokerLink,
  { groupId, id, generation }: { readonly groupId: string; readonly id: string; readonly generation: number },
  offsets: readonly OffsetToCommit[],
  timeoutMs: number,
): Promise<Map<OffsetToCommit, string>> {
  const topics = byTopic(offsets, ({ partition, offset, epoch, metadata }) => ({
    partitionIndex: partition,
    committedOffset: BigInt(offset),
    committedLeaderEpoch: epoch,
    committedMetadata: metadata,
  }));
  const request: Parameters<typeof offsetCommitV8.createRequest> = [groupId, generation, id, null, topics];
  const answer = await answerOf<offsetCommitV8.OffsetCommitResponse>(
    link.call('a commit', offsetCommitV8.api, request, timeoutMs),
  );
  const refused = new Map<OffsetToCommit, string>();
  for (const offset of offsets) {
    const code = answer.topics
      .find(({ name }) => name === offset.topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === offset.partition)?.errorCode;
    if (code !== 0) refused.set(offset, nameOfCode(code ?? -1));
  }
  return refused;
}

/** What a group has committed; partitions without a commit are left out. */
export async function fetchOffsets(
  link: BrokerLink,
  groupId: string,
  partitions: readonly TopicPartition[],
  timeoutMs: number,
): Promise<Map<TopicPartition, CommittedOffset>> {
  const topics = byTopic(partitions, ({ partition }) => partition).map(({ name, partitions: partitionIndexes }) => ({
    name,
    partitionIndexes,
  }));
  const what = 'what was committed';
  const request: Parameters<typeof offsetFetchV8.createRequest> = [[{ groupId, memberEpoch: -1, topics }], false];
  const answer = await answerOf<offsetFetchV8.OffsetFetchResponse>(
    link.call(what, offsetFetchV8.api, request, timeoutMs),
  );
  const [group] = answer.groups;
  if (group === undefined || group.errorCode !== 0) throw new BrokerError(what, nameOfCode(group?.errorCode ?? -1));
  const found = new Map<TopicPartition, CommittedOffset>();
  for (const partition of partitions) {
    const said = group.topics
      .find(({ name }) => name === partition.topic)
      ?.partitions.find(({ partitionIndex }) => partitionIndex === partition.partition);
    // One that was deleted has no commit, and no error for it in most versions of Kafka.
    if (said !== undefined && said.errorCode !== 0 && nameOfCode(said.errorCode) !== 'UNKNOWN_TOPIC_OR_PARTITION') {
      throw new BrokerError(what, nameOfCode(said.errorCode));
    }
    if (said === undefined || said.committedOffset < 0n) continue;
    found.set(partition, {
      offset: Number(said.committedOffset),
      epoch: said.committedLeaderEpoch,
      metadata: said.metadata ?? '',
    });
  }
  return found;
}
