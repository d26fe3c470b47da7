import { Fifo } from './fifo.ts';
import { Heap } from './heap.ts';
import { isAheadOf, type StoredJob } from './stored-job.ts';

/**
 * The jobs that are ready, best first (rule 11).
 *
 * Most queues use one priority, and their jobs come in the order in which they leave. Such jobs form a run, which
 * costs nothing to keep sorted; those that belong before the end of the run go to a heap beside it. The next job is
 * the better one of the two that are first. In a heap of a million jobs every hand-out would touch some forty jobs
 * all over the memory.
 */
export class ReadyLine {
  readonly #run = new Fifo<StoredJob>();
  readonly #others = new Heap<StoredJob>(isAheadOf);

  get size(): number {
    return this.#run.size + this.#others.size;
  }

  push(job: StoredJob): void {
    const last = this.#run.last;
    if (last === undefined || isAheadOf(last, job)) this.#run.push(job);
    else this.#others.push(job);
  }

  pop(): StoredJob | undefined {
    const next = this.#run.first;
    const other = this.#others.first;
    if (next === undefined || (other !== undefined && isAheadOf(other, next))) return this.#others.pop();
    return this.#run.shift();
  }
}
