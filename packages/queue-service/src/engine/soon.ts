/** Every so many runs take the long way. */
const LONG_WAY_EVERY = 16;

/**
 * Runs a callback soon, once for any number of requests: what happens in the same turn of the event loop is dealt with
 * together, and no timer delays it.
 *
 * Usually "soon" is at the end of the turn. A store that answers at once, from memory, would then never let go of it:
 * neither timers nor sockets would have their turn until the queue is empty. So now and then it is the next turn.
 */
export class Soon {
  readonly #callback: () => void;
  #requested = false;
  #runs = 0;

  constructor(callback: () => void) {
    this.#callback = callback;
  }

  request(): void {
    if (this.#requested) return;
    this.#requested = true;
    this.#runs = (this.#runs + 1) % LONG_WAY_EVERY;
    if (this.#runs === 0) setImmediate(() => this.#run());
    else queueMicrotask(() => this.#run());
  }

  #run(): void {
    this.#requested = false;
    this.#callback();
  }
}
