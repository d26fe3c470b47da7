import type { AdapterContext } from '@switchyard/queue-api';
import type { Cluster } from './kafka/cluster.ts';
import { deleteRecords, type TopicPartition } from './kafka/offsets.ts';
import type { Commit } from './log/ledger.ts';
import type { PartitionReader } from './log/partition-reader.ts';

export interface TrimmerOptions {
  readonly cluster: Cluster;
  readonly queue: string;
  readonly readers: () => Iterable<PartitionReader>;
  /** What is certainly committed of a partition. */
  readonly committedOf: (reader: PartitionReader) => Commit | undefined;
  readonly holds: () => boolean;
  readonly everyMs: number;
  readonly report: AdapterContext['report'];
}

/** Below `offset` everything is finished. */
interface End extends TopicPartition {
  readonly reader: PartitionReader;
  readonly offset: number;
}

const ANSWER_MS = 10_000;

/**
 * Removes records below what is committed, where that is allowed: our topics keep everything, so that no job that waits is deleted
 * by its age, and nothing that is finished runs again when a group loses its offsets.
 */
export class Trimmer {
  readonly #options: TrimmerOptions;
  readonly #trimmedTo = new WeakMap<PartitionReader, number>();
  readonly #timer: NodeJS.Timeout;
  #isTrimming = false;
  #isDenied = false;

  constructor(options: TrimmerOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#trim(), options.everyMs).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  async #trim(): Promise<void> {
    if (this.#isTrimming || this.#isDenied || !this.#options.holds()) return;
    this.#isTrimming = true;
    try {
      await this.#trimTo(this.#ends());
    } catch {
      // There is no hurry: the next time will do.
    } finally {
      this.#isTrimming = false;
    }
  }

  #ends(): End[] {
    const { readers, committedOf } = this.#options;
    return [...readers()].flatMap(reader => {
      const { topic, partition } = reader;
      // A commit that was found may be of another log than the one that is read now.
      const offset = Math.min(committedOf(reader)?.offset ?? 0, reader.ledger.watermark);
      return offset > (this.#trimmedTo.get(reader) ?? 0) ? [{ reader, topic, partition, offset }] : [];
    });
  }

  async #trimTo(ends: readonly End[]): Promise<void> {
    if (ends.length === 0) return;
    const { cluster, report, queue } = this.#options;
    const names = [...new Set(ends.map(({ topic }) => topic))];
    const topics = await cluster.topics(names, { timeoutMs: ANSWER_MS, maxAgeMs: 0 });
    // The request names a topic and not its id: one that was made again must not lose what is new in it.
    const sure = ends.filter(({ reader, topic }) => reader.isOurs && topics.get(topic)?.id === reader.topicId);
    const failed = await deleteRecords(cluster, sure, ANSWER_MS);
    for (const end of sure) {
      const code = failed.get(end);
      if (code === undefined) this.#trimmedTo.set(end.reader, end.offset);
      else if (code.endsWith('AUTHORIZATION_FAILED')) this.#isDenied = true;
    }
    if (!this.#isDenied) return;
    const message = `Finished jobs may not be removed from ${names.join(', ')}, which grow for ever: allow Delete on them, or set retention.ms to longer than a job ever waits`;
    report({ level: 'warning', code: 'delete-denied', message, queue });
  }
}
