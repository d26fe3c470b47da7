import type { Job, JobContext, ProcessHandler } from '@switchyard/queue-api';
import type { Timings } from '../timings.ts';
import type { Waits } from '../waits.ts';

/** One run of a handler. */
export interface Run {
  readonly job: Job;
  readonly context: JobContext;
  readonly startedAt: number;
  endedAt?: number;
}

/** What handlers did, in order, and a way to wait until they have done it. */
export class Ledger {
  readonly runs: Run[] = [];
  /** Most handlers at once so far. */
  mostActive = 0;
  readonly #waits: Waits;
  readonly #timings: Timings;
  #active = 0;
  readonly #watchers = new Set<() => void>();

  constructor(waits: Waits, timings: Timings) {
    this.#waits = waits;
    this.#timings = timings;
  }

  /** Handlers running now. */
  get active(): number {
    return this.#active;
  }

  /** Ids of the jobs that ran, in the order they started. */
  get ids(): string[] {
    return this.runs.map(({ job }) => job.id);
  }

  get payloads(): unknown[] {
    return this.runs.map(({ job }) => job.payload);
  }

  /** A handler that writes itself down and then does `work`. */
  handler(work: ProcessHandler = () => {}): ProcessHandler {
    return async (job, context) => {
      const run: Run = { job, context, startedAt: performance.now() };
      this.runs.push(run);
      this.#active++;
      this.mostActive = Math.max(this.mostActive, this.#active);
      this.#changed();
      try {
        await work(job, context);
      } finally {
        run.endedAt = performance.now();
        this.#active--;
        this.#changed();
      }
    };
  }

  /** Waits until this many runs have ended. `ms` is the longest time between two of them. */
  async ended(count: number, ms: number = 2 * this.#timings.wakeMs): Promise<void> {
    await this.#until(`${count} runs to end`, ms, () => this.runs.length - this.active >= count);
  }

  /** Waits until this many runs have started. */
  async started(count: number, ms: number = 2 * this.#timings.wakeMs): Promise<void> {
    await this.#until(`${count} runs to start`, ms, () => this.runs.length >= count);
  }

  async #until(what: string, ms: number, reached: () => boolean): Promise<void> {
    while (!reached()) {
      const change = new Promise<void>(resolve => this.#watchers.add(resolve));
      await this.#waits.within(`${what} (${this.runs.length} started, ${this.active} still run)`, ms, change);
    }
  }

  #changed(): void {
    for (const wake of this.#watchers) wake();
    this.#watchers.clear();
  }
}
