import type { HeapEntry } from './heap.ts';
import type { StoredJob } from './stored-job.ts';

/**
 * One hand-out of one job, and the receipt for it. It is worth something exactly as long as it is in the queue's heap
 * of leases, and no lease enters that twice: this is the fence (rule 15).
 */
export class Lease implements HeapEntry {
  readonly job: StoredJob;
  /** The first moment at which it holds no more, in ms since the epoch. */
  until: number;
  slot = -1;

  constructor(job: StoredJob, until: number) {
    this.job = job;
    this.until = until;
  }
}

/** First to end first; leases that end together give their jobs back in the order those were in. */
export function endsBefore(a: Lease, b: Lease): boolean {
  return a.until === b.until ? a.job.sequence < b.job.sequence : a.until < b.until;
}
