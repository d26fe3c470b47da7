import type { PartitionReader } from '../log/partition-reader.ts';
import type { Owned } from './assignor.ts';

/** What we have, and which of it is busy, as a member says when it joins; all of it, unless it `mayGo`. */
export function claimsOf(readers: Iterable<PartitionReader>, mayGo: boolean): Owned[] {
  const topics = new Map<string, { topic: string; partitions: number[]; busy: number[]; pinned: number[] }>();
  for (const { topic, partition, isFrozen, isPinned } of readers) {
    const owned = topics.get(topic) ?? { topic, partitions: [], busy: [], pinned: [] };
    topics.set(topic, owned);
    owned.partitions.push(partition);
    if (!mayGo || !isFrozen) owned.busy.push(partition);
    if (isPinned) owned.pinned.push(partition);
  }
  return [...topics.values()];
}
