/** What there is to see of a worker. */
export interface Appetite {
  /** Somebody waits for a job. */
  readonly isAwaited: boolean;
  /** There are jobs that another worker could have. */
  readonly hasJobs: boolean;
  /** When somebody last asked for a job, by `performance`, in ms. */
  readonly askedAt: number;
  /** Another worker waits for jobs. */
  readonly isAnyHungry: boolean;
}

/** Jobs that are here and that nobody asks for so long are for others, if these have nothing to do. */
const UNASKED_MS = 1000;
/** Who has waited for so long has nothing to do, and not just a moment between two jobs. */
const WAITED_MS = 2000;
/** Each time the whole group shares out anew. Who says something often says it less and less often. */
const SHORTEST_MS = 5000;
const LONGEST_MS = 60_000;

/**
 * Whether a worker wants more jobs than it has. One whose handlers are all busy does not: its jobs would wait for them while other
 * workers have nothing to do. It says so again as long as there are any and somebody wants them: they may be of partitions that were
 * busy before.
 */
export class Hunger {
  isHungry = true;
  #saidAt = -Infinity;
  #rest = SHORTEST_MS;
  #awaitedSince: number | undefined;

  /** Call it a few times a second. `true`: the group has to hear of `isHungry`, maybe once more. */
  look({ isAwaited, hasJobs, askedAt, isAnyHungry }: Appetite): boolean {
    const now = performance.now();
    this.#awaitedSince = isAwaited ? (this.#awaitedSince ?? now) : undefined;
    const wants = this.#awaitedSince !== undefined && now - this.#awaitedSince >= WAITED_MS;
    const hasEnough = !isAwaited && hasJobs && now - askedAt > UNASKED_MS;
    const isNews = this.isHungry ? hasEnough : wants || (hasEnough && isAnyHungry);
    const quiet = now - this.#saidAt;
    if (!isNews || quiet < this.#rest) return false;
    this.#rest = quiet < 2 * this.#rest ? Math.min(2 * this.#rest, LONGEST_MS) : SHORTEST_MS;
    this.#saidAt = now;
    this.isHungry = !hasEnough;
    return true;
  }
}
