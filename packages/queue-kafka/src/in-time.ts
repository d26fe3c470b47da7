/** Settles as `answer` does, but no later than `timeoutMs` from now: then it rejects with what `late` makes. */
export function inTime<Answer>(answer: Promise<Answer>, timeoutMs: number, late: () => Error): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(late()), timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves once `work` has settled, and after `timeoutMs` at the latest. */
export async function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([
    work.then(
      () => {},
      () => {},
    ),
    late,
  ]);
  clearTimeout(timer);
}

/** A moment from which on something is too late. */
export class Deadline {
  readonly #at: number;

  constructor(timeoutMs: number) {
    this.#at = performance.now() + timeoutMs;
  }

  /** In ms, never negative. */
  get left(): number {
    return Math.max(0, this.#at - performance.now());
  }

  get isOver(): boolean {
    return this.left === 0;
  }
}
