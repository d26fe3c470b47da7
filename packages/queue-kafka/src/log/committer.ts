import { setTimeout as elapse } from 'node:timers/promises';
import type { OffsetToCommit } from '../group/group-offsets.ts';
import { atMost, Deadline } from '../in-time.ts';
import { BrokerError } from '../kafka/errors.ts';
import type { Commit, Ledger } from './ledger.ts';
import type { PartitionReader } from './partition-reader.ts';

export interface CommitterOptions {
  readonly readers: () => Iterable<PartitionReader>;
  /** Whether what we have is ours for certain, so that a commit can count. */
  readonly holds: () => boolean;
  /** Commits as a member; answers with the codes of what was refused. */
  readonly commit: (
    offsets: readonly OffsetToCommit[],
    timeoutMs: number,
  ) => Promise<ReadonlyMap<OffsetToCommit, string>>;
  readonly failed: (error: unknown) => void;
  readonly succeeded: () => void;
}

/** Work that is finished within this time is committed together. A process that is killed runs it again. */
const PACE_MS = 50;
const PAUSE_MS = 200;
/** What is said while a group or its coordinator moves, and to whom the membership sees to. */
const PASSES = /COORDINATOR|^REBALANCE_IN_PROGRESS$|^ILLEGAL_GENERATION$|^UNKNOWN_MEMBER_ID$|^REQUEST_TIMED_OUT$/;
const ANSWER_MS = 5000;
const MOST_UNANSWERED = 20;

/** Commits the ledgers that have changed, one request at a time for all of them. */
export class Committer {
  readonly #options: CommitterOptions;
  /** How a ledger was when it was last committed, and what was said then. */
  readonly #said = new WeakMap<Ledger, { readonly changes: number; readonly commit: Commit | undefined }>();
  /** What was said since then, and not answered. */
  readonly #unanswered = new WeakMap<Ledger, Commit[]>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isStopped = false;
  /** The last commit was refused, and not for a moment. */
  #isRefused = false;

  constructor(options: CommitterOptions) {
    this.#options = options;
  }

  /** A ledger that begins with what is committed; `undefined`: nothing is. */
  begin(ledger: Ledger, commit: Commit | undefined): void {
    this.#said.set(ledger, { changes: ledger.changes, commit });
  }

  /** What is committed of a ledger, as far as we know. */
  said(ledger: Ledger): Commit | undefined {
    return this.#said.get(ledger)?.commit;
  }

  /** May this be our last word on a ledger? Otherwise somebody else has said it. */
  hasSaid(ledger: Ledger, commit: Commit | undefined): boolean {
    return [this.said(ledger), ...(this.#unanswered.get(ledger) ?? [])].some(
      said => said?.offset === commit?.offset && said?.metadata === commit?.metadata,
    );
  }

  /** Is there something that is not committed? */
  isDirty(ledger: Ledger): boolean {
    return this.#said.get(ledger)?.changes !== ledger.changes;
  }

  /** Something was finished. */
  touch(): void {
    if (this.#timer !== undefined || this.#running !== undefined || this.#isStopped) return;
    this.#wait(PACE_MS);
  }

  /** Commits all there is, now. Never rejects; `false` when something is left that cannot be committed, or not in time. */
  async flush(timeoutMs: number): Promise<boolean> {
    const deadline = new Deadline(timeoutMs);
    for (let tries = 0; ; tries++) {
      await atMost(deadline.left, this.#running ?? Promise.resolve());
      if (this.#dirty().length === 0) return true;
      if (deadline.isOver || !this.#options.holds() || (tries > 0 && this.#isRefused)) return false;
      clearTimeout(this.#timer);
      this.#timer = undefined;
      const before = this.#dirty().length;
      await this.#start(Math.min(ANSWER_MS, deadline.left));
      if (this.#dirty().length >= before && !deadline.isOver) await elapse(Math.min(PACE_MS, deadline.left));
    }
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
  }

  #wait(ms: number): void {
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.#start(ANSWER_MS);
    }, ms);
  }

  #start(timeoutMs: number): Promise<void> {
    this.#running ??= this.#run(timeoutMs).then(isDone => {
      this.#running = undefined;
      if (this.#dirty().length === 0 || this.#isStopped || this.#timer !== undefined) return;
      this.#wait(isDone ? PACE_MS : PAUSE_MS);
    });
    return this.#running;
  }

  /** `true`: what was finished when it began is committed. Never rejects. */
  async #run(timeoutMs: number): Promise<boolean> {
    const { holds, commit, failed, succeeded } = this.#options;
    const dirty = this.#dirty();
    if (dirty.length === 0) return true;
    let isDone = false;
    if (holds()) {
      const offsets = new Map(dirty.map(reader => [offsetOf(reader), reader]));
      const changes = new Map(dirty.map(({ ledger }) => [ledger, ledger.changes]));
      try {
        const refused = await commit([...offsets.keys()], timeoutMs);
        for (const [offset, { ledger }] of offsets) {
          if (refused.has(offset)) continue;
          this.#said.set(ledger, { changes: changes.get(ledger) ?? -1, commit: offset });
          this.#unanswered.delete(ledger);
        }
        isDone = refused.size === 0;
        const lasting = [...refused].find(([, code]) => !PASSES.test(code));
        this.#isRefused = lasting !== undefined;
        if (lasting !== undefined) failed(new BrokerError(`a commit of ${lasting[0].topic}`, lasting[1]));
        if (isDone) succeeded();
      } catch (error) {
        for (const [offset, { ledger }] of offsets) {
          this.#unanswered.set(ledger, [...(this.#unanswered.get(ledger) ?? []), offset].slice(-MOST_UNANSWERED));
        }
        failed(error);
      }
    }
    return isDone;
  }

  #dirty(): PartitionReader[] {
    // What is doubtful may have been another's meanwhile, whose commit counts.
    return [...this.#options.readers()].filter(({ isDoubtful, ledger }) => !isDoubtful && this.isDirty(ledger));
  }
}

function offsetOf({ topic, partition, lastEpoch, ledger }: PartitionReader): OffsetToCommit {
  return { topic, partition, epoch: lastEpoch, ...ledger.commit() };
}
