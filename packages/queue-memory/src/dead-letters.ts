import type { AdapterContext } from '@switchyard/queue-api';
import { Fifo } from './fifo.ts';
import type { StoredJob } from './stored-job.ts';

/** What is kept of a job that is dead (rule 18). */
export interface DeadLetter {
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly priority: number;
  /** The engine's: what went wrong. */
  readonly note: string;
  readonly attempts: number;
  /** Whole milliseconds since the epoch. */
  readonly enqueuedAt: number;
  /** Whole milliseconds since the epoch. */
  readonly diedAt: number;
}

export function letterOf(job: StoredJob, note: string, now: number): DeadLetter {
  const { id, body, headers, priority, attempts, enqueuedAt } = job;
  return { id, body, headers, priority, note, attempts, enqueuedAt, diedAt: Math.floor(now) };
}

/** The dead letters of one queue, oldest first, within the operator's caps (`backend.queue.deadLetters`). */
export class DeadLetters {
  readonly #caps: AdapterContext['deadLetters'];
  readonly #letters = new Fifo<DeadLetter>();

  constructor(caps: AdapterContext['deadLetters']) {
    this.#caps = caps;
  }

  get size(): number {
    return this.#letters.size;
  }

  add(letter: DeadLetter): void {
    this.#letters.push(letter);
  }

  /** Takes out the oldest letter if it is too old, or one too many. */
  dropOldest(now: number): DeadLetter | undefined {
    const oldest = this.#letters.first;
    if (oldest === undefined) return undefined;
    const { maxAgeMs, maxCount } = this.#caps;
    const isOver = this.#letters.size > maxCount || oldest.diedAt + maxAgeMs <= now;
    return isOver ? this.#letters.shift() : undefined;
  }
}
