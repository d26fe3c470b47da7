/** So many answers are compared: a clock of SQS that is set back makes no more of them look old. */
const COMPARED = 16;
/** SQS says the second, not the moment. */
const RESOLUTION_MS = 1000;

/**
 * Tells how long ago an answer was written, at least: it may have waited in the network, or in a process that stood still.
 * No clock of ours is compared with the clock of SQS, only one answer with those before: the least time that lay between the
 * two clocks is that of an answer that was read at once.
 */
export class AnswerAge {
  readonly #differences: number[] = [];

  /** @param serverTime - when it was written, in ms by the clock of SQS, rounded down to seconds. 0 if it does not say. */
  note(serverTime: number): void {
    if (serverTime === 0) return;
    this.#differences.push(performance.now() - serverTime);
    if (this.#differences.length > COMPARED) this.#differences.shift();
  }

  /** In ms, at least; asked when the answer was just noted. */
  of(serverTime: number): number {
    if (serverTime === 0) return 0;
    return Math.max(0, performance.now() - serverTime - Math.min(...this.#differences) - RESOLUTION_MS);
  }
}
