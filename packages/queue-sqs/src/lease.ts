import type { Message } from '@aws-sdk/client-sqs';
import type { Envelope } from './envelope.ts';

/** What one hand-out of one message is settled with: the receipt of the adapter contract. */
export class Lease {
  readonly message: Message;
  /** Absent for what is no job. */
  readonly envelope: Envelope | undefined;
  /** When SQS hides the message no longer, whatever is asked of it: {@link Limits.invisibleMs} after the hand-out. */
  readonly longestUntil: number;
  /** A copy of it is where it goes, and only this one is left to delete. */
  isCopied = false;
  /** A renewal that is under way. Never rejects. */
  renewal: Promise<void> | undefined;
  isSettling = false;
  #until: number;
  /** From then on a change of its visibility may have shown it to others, whatever extensions say. */
  #mayEndAt = Infinity;
  #isOver = false;

  /** Times are of `performance.now()`, and as early as the hand-out can have been. */
  constructor(message: Message, envelope: Envelope | undefined, until: number, longestUntil: number) {
    this.message = message;
    this.envelope = envelope;
    this.#until = until;
    this.longestUntil = longestUntil;
  }

  get handle(): string {
    return this.message.ReceiptHandle ?? '';
  }

  /** Hand-outs of the job so far, this one included. */
  get attempt(): number {
    return (this.envelope?.attempts ?? 0) + Number(this.message.Attributes?.ApproximateReceiveCount ?? 1);
  }

  /** When the job was added, in ms since the epoch, by the clock of SQS. */
  get addedAt(): number {
    return this.envelope?.addedAt ?? Number(this.message.Attributes?.SentTimestamp ?? 0);
  }

  /**
   * Whether the message is still ours alone. SQS is not asked: with an old receipt handle AWS deletes nothing, or the
   * message under its new worker, and says it went well.
   */
  get isHeld(): boolean {
    return !this.#isOver && performance.now() < this.until;
  }

  get until(): number {
    return Math.min(this.#until, this.#mayEndAt);
  }

  /** It was settled, or is somebody else's. */
  end(): void {
    this.#isOver = true;
  }

  /** SQS has said that it lasts until then. */
  lastUntil(time: number): void {
    this.#until = time;
  }

  /** It may have ended as early as then: the answer to what was asked is missing. */
  mayEndAt(time: number): void {
    this.#mayEndAt = Math.min(this.#mayEndAt, time);
  }
}
