import type { Committer } from '../log/committer.ts';
import type { PartitionReader } from '../log/partition-reader.ts';

export interface HandoverOptions {
  readonly committer: Committer;
  readonly sessionTimeoutMs: number;
  /** All that we have. */
  readonly readers: () => Iterable<PartitionReader>;
  /** Has the group share out anew. */
  readonly rejoin: () => void;
  /** May be handed out again. */
  readonly ready: (reader: PartitionReader) => void;
  /** It is not ours any more. */
  readonly drop: (reader: PartitionReader) => void;
}

const FLUSH_MS = 5000;
const PAUSE_MS = 200;

/** How partitions go that somebody else is to have. */
export class Handover {
  readonly #options: HandoverOptions;

  constructor(options: HandoverOptions) {
    this.#options = options;
  }

  /**
   * Gives a partition up once its last job is done. If that takes longer than a session, we ask to keep it for as long: what waits in it
   * would wait for nothing, and what runs would run twice.
   */
  letGo(reader: PartitionReader): void {
    const { sessionTimeoutMs } = this.#options;
    if (reader.leased === 0) {
      void this.giveUp(reader);
      return;
    }
    const since = performance.now() - (reader.revokedAt ?? 0);
    reader.patience ??= setTimeout(() => this.#pin(reader), Math.max(1, sessionTimeoutMs - since));
    reader.patience.unref();
  }

  /** Nothing of it is under way. It goes once that is committed. */
  async giveUp(reader: PartitionReader): Promise<void> {
    const { committer, readers, rejoin, drop } = this.#options;
    await committer.flush(FLUSH_MS);
    if (!reader.isRevoked || !reader.isOurs || reader.leased > 0) return;
    if (committer.isDirty(reader.ledger)) {
      // It would run again elsewhere what was said to be finished.
      const later = setTimeout(() => void this.giveUp(reader), PAUSE_MS);
      later.unref();
      return;
    }
    drop(reader);
    const isOther = (other: PartitionReader) => other.isRevoked && other.leased === 0;
    if (![...readers()].some(isOther)) rejoin();
  }

  #pin(reader: PartitionReader): void {
    const { sessionTimeoutMs, ready, rejoin } = this.#options;
    reader.patience = undefined;
    if (!reader.isOurs || !reader.isRevoked) return;
    reader.isPinned = true;
    reader.revokedAt = undefined;
    if (reader.isOpen) ready(reader);
    rejoin();
    reader.patience = setTimeout(() => this.#unpin(reader), sessionTimeoutMs);
    reader.patience.unref();
  }

  #unpin(reader: PartitionReader): void {
    reader.patience = undefined;
    reader.isPinned = false;
    if (reader.isOurs) this.#options.rejoin();
  }
}
