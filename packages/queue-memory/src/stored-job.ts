import type { NewJob } from '@switchyard/queue-api';
import type { HeapEntry } from './heap.ts';

/** A job that is not finished, and the store's own copy of everything about it. */
export class StoredJob implements HeapEntry {
  readonly id: string;
  readonly body: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly priority: number;
  /** Whole milliseconds since the epoch. */
  readonly enqueuedAt: number;
  /** When it becomes, or became, ready. */
  readyAt: number;
  /** Counts up with everything that gives a job a place in the order; breaks ties of `readyAt`. */
  sequence: number;
  /** Hand-outs that count as an attempt. */
  attempts = 0;
  /** Of the last settlement that had one. */
  note: string | undefined = undefined;
  slot = -1;

  constructor(job: NewJob, now: number, sequence: number) {
    this.id = job.id;
    this.body = job.body;
    this.headers = { ...job.headers };
    this.priority = job.priority;
    this.enqueuedAt = Math.floor(now);
    this.readyAt = now + job.delayMs;
    this.sequence = sequence;
  }
}

/** The order in which jobs become ready: first due first, first in first out among those of one moment. */
export function isDueBefore(a: StoredJob, b: StoredJob): boolean {
  return a.readyAt === b.readyAt ? a.sequence < b.sequence : a.readyAt < b.readyAt;
}

/** The order in which ready jobs are handed out (rule 11). */
export function isAheadOf(a: StoredJob, b: StoredJob): boolean {
  return a.priority === b.priority ? isDueBefore(a, b) : a.priority < b.priority;
}
