import { setTimeout as elapse } from 'node:timers/promises';
import { classify } from './classify.ts';
import { fetchOffsets } from './group/group-offsets.ts';
import { Deadline } from './in-time.ts';
import type { Cluster } from './kafka/cluster.ts';
import { logRanges, type TopicPartition } from './kafka/offsets.ts';
import { type Commit, finishedAhead } from './log/ledger.ts';
import type { PartitionReader } from './log/partition-reader.ts';
import type { TopicNames } from './topic-names.ts';

const PAUSE_MS = 100;

/**
 * How many jobs are not finished: what is in the logs behind what was committed, without what is finished ahead of it. Of our own
 * partitions we know that to the moment, of those of others as they have committed it.
 */
export async function countJobs(
  cluster: Cluster,
  { main, delay }: TopicNames,
  readers: Iterable<PartitionReader>,
  timeoutMs: number,
): Promise<{ waiting: number; delayed: number }> {
  const deadline = new Deadline(timeoutMs);
  let topics = await cluster.topics([main, delay], { timeoutMs });
  const partitions: TopicPartition[] = [...topics.values()].flatMap(({ name, partitions: all }) =>
    all.map((_, partition) => ({ topic: name, partition })),
  );
  const [ranges, committed] = await again(deadline, left =>
    Promise.all([logRanges(cluster, partitions, left), committedBy(cluster, main, partitions, left)]),
  );
  const idOf = (topic: string) => topics.get(topic)?.id ?? '';
  // It was deleted and made again, before the commit or after it: who is right?
  const isAnother = ([{ topic }, commit]: [TopicPartition, Commit]) => finishedAhead(commit, idOf(topic)) === undefined;
  if ([...committed].some(isAnother)) {
    topics = await cluster.topics([main, delay], { timeoutMs: Math.max(1, deadline.left), maxAgeMs: 0 });
  }
  const ours = new Map([...readers].map(reader => [`${reader.topic}/${reader.partition}`, reader]));
  const counts = { [main]: 0, [delay]: 0 };
  for (const place of partitions) {
    const { start = 0, end = 0 } = ranges.get(place) ?? {};
    const reader = ours.get(`${place.topic}/${place.partition}`);
    const commit = committed.get(place);
    const ahead = commit === undefined ? undefined : finishedAhead(commit, idOf(place.topic));
    const isCounted = ahead !== undefined && commit !== undefined && commit.offset <= end;
    const from = reader?.ledger.watermark ?? (isCounted ? commit.offset : start);
    const finished = reader?.ledger.ahead ?? (isCounted ? ahead.filter(offset => offset < end).length : 0);
    counts[place.topic] = (counts[place.topic] ?? 0) + Math.max(0, end - Math.max(from, start) - finished);
  }
  return { waiting: counts[main] ?? 0, delayed: counts[delay] ?? 0 };
}

async function committedBy(cluster: Cluster, group: string, partitions: readonly TopicPartition[], timeoutMs: number) {
  const coordinator = await cluster.coordinator(group, timeoutMs);
  return fetchOffsets(cluster.link(coordinator, 'groups'), group, partitions, timeoutMs);
}

/** Leaders and coordinators move: what they refuse for that is asked again. */
async function again<Answer>(deadline: Deadline, ask: (left: number) => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await ask(Math.max(1, deadline.left));
    } catch (error) {
      if (classify(error) !== 'unavailable' || deadline.left < PAUSE_MS) throw error;
      await elapse(PAUSE_MS);
    }
  }
}
