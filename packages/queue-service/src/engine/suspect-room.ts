import type { Attempt } from './attempt.ts';

/**
 * Where suspects run: one at a time in a process, whatever its queues (rule 14), and none while those that were turned
 * away are on their way back into their stores: should it kill the process, they have lost nothing. It outlives the
 * consumers, as a handler does that ignores its signal.
 */
export class SuspectRoom {
  #occupant: Attempt | undefined;
  #goingBack = 0;
  readonly #waiters = new Set<() => void>();

  get isFree(): boolean {
    return this.#occupant === undefined;
  }

  /** Whether all that were turned away are back. */
  get isQuiet(): boolean {
    return this.#goingBack === 0;
  }

  enter(attempt: Attempt): void {
    this.#occupant = attempt;
  }

  leave(attempt: Attempt): void {
    if (this.#occupant === attempt) this.#occupant = undefined;
  }

  turnedAway(): void {
    this.#goingBack++;
  }

  /** One that was turned away is back in the store, or its lease will see to it. */
  handedBack(): void {
    this.#goingBack--;
    if (this.#goingBack > 0) return;
    for (const onQuiet of this.#waiters) onQuiet();
    this.#waiters.clear();
  }

  /** Calls once, when it is quiet. */
  whenQuiet(onQuiet: () => void): void {
    this.#waiters.add(onQuiet);
  }
}
