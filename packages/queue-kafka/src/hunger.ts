/** What there is to see of a worker. */
export interface Appetite {
  /** Somebody waits for a job. */
  readonly isAwaited: boolean;
  /** There are jobs that another worker could have. */
  readonly hasJobs: boolean;
  /** When somebody last asked for a job, by `performance`, in ms. */
  readonly askedAt: number;
}

/** Jobs that are here and that nobody asks for so long are for others, if these have nothing to do. */
const UNASKED_MS = 1000;
/** Who has waited for so long has nothing to do, and not just a moment between two jobs. */
const WAITED_MS = 2000;
/** Each change has the whole group share out anew. Who changes often changes less and less often. */
const SHORTEST_MS = 5000;
const LONGEST_MS = 60_000;

/**
 * Whether a worker wants more jobs than it has. One whose handlers are all busy does not: its jobs would wait for them while other
 * workers have nothing to do.
 */
export class Hunger {
  isHungry = true;
  #changedAt = -Infinity;
  #rest = SHORTEST_MS;
  #awaitedSince: number | undefined;

  /** Call it a few times a second. */
  look({ isAwaited, hasJobs, askedAt }: Appetite): boolean {
    const now = performance.now();
    this.#awaitedSince = isAwaited ? (this.#awaitedSince ?? now) : undefined;
    const wants = this.#awaitedSince !== undefined && now - this.#awaitedSince >= WAITED_MS;
    const hasEnough = !isAwaited && hasJobs && now - askedAt > UNASKED_MS;
    const isChange = this.isHungry ? hasEnough : wants;
    const quiet = now - this.#changedAt;
    if (!isChange || quiet < this.#rest) return this.isHungry;
    this.#rest = quiet < 2 * this.#rest ? Math.min(2 * this.#rest, LONGEST_MS) : SHORTEST_MS;
    this.#changedAt = now;
    this.isHungry = !this.isHungry;
    return this.isHungry;
  }
}
