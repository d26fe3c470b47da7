import type { Attempt } from './attempt.ts';
import type { Clock } from './clock.ts';
import type { SuspectRoom } from './suspect-room.ts';

/** The first suspect given back returns after this long: most that kill their process do so sooner. */
const FIRST_RETURN_MS = 1000;
/** Each further one returns this much later, so that they meet as few others as possible. */
const SPACING_MS = 100;
const MOST_SPACING_MS = 30_000;
/**
 * After a suspect was given back for want of a free slot, nothing is prefetched until it had its chance: where
 * everything is prefetched it would never find one. Doubles while that is not enough, because a long line is in front.
 */
const NO_PREFETCH_MS = 10_000;
const MOST_NO_PREFETCH_MS = 60 * 60 * 1000;

/** Lets the suspects of one queue into the room of their process, one after the other. */
export class SuspectGate {
  readonly #clock: Clock;
  readonly #room: SuspectRoom;
  #waiting: Attempt | undefined;
  #turnedAway = 0;
  #noPrefetchMs = NO_PREFETCH_MS;
  #noPrefetchUntil = Number.NEGATIVE_INFINITY;

  constructor(clock: Clock, room: SuspectRoom) {
    this.#clock = clock;
    this.#room = room;
  }

  /** The suspect that has a slot and waits until the others are gone. */
  get waiting(): Attempt | undefined {
    return this.#waiting;
  }

  get prefetchAllowed(): boolean {
    return this.#clock.now() >= this.#noPrefetchUntil;
  }

  /** Takes the suspect in (`undefined`), or says after how many ms it may come back; `handedBack` must then follow. */
  admit(attempt: Attempt, slotIsFree: boolean): number | undefined {
    if (slotIsFree && this.#room.isFree) {
      this.#room.enter(attempt);
      this.#waiting = attempt;
      this.#noPrefetchMs = NO_PREFETCH_MS;
      return undefined;
    }
    if (!slotIsFree) this.#stopPrefetching();
    if (this.#room.isQuiet) this.#turnedAway = 0;
    this.#room.turnedAway();
    this.#turnedAway++;
    return FIRST_RETURN_MS + Math.min(MOST_SPACING_MS, SPACING_MS * this.#turnedAway);
  }

  #stopPrefetching(): void {
    // Those that arrived together count once.
    if (!this.prefetchAllowed) return;
    this.#noPrefetchUntil = this.#clock.now() + this.#noPrefetchMs;
    this.#noPrefetchMs = Math.min(2 * this.#noPrefetchMs, MOST_NO_PREFETCH_MS);
  }

  /** One that was turned away is back in the store, or its lease will see to it. */
  handedBack(): void {
    this.#room.handedBack();
  }

  /** The waiting suspect, once it may start; `onReady` is called when that is later. */
  startWaiting(onReady: () => void): Attempt | undefined {
    if (!this.#room.isQuiet) {
      this.#room.whenQuiet(onReady);
      return undefined;
    }
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  /** The suspect that has not started, when nothing will be started any more. */
  dismissWaiting(): Attempt | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    if (waiting !== undefined) this.#room.leave(waiting);
    return waiting;
  }

  left(attempt: Attempt): void {
    this.#room.leave(attempt);
  }
}
