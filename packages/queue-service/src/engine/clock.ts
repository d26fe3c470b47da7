/** Time as the engine sees it. Tests bring their own; leases and due times belong to the store's clock (rule 26). */
export interface Clock {
  /** Milliseconds since the epoch; never runs backwards. */
  now(): number;
  setTimeout(callback: () => void, ms: number): Timer;
}

export interface Timer {
  cancel(): void;
  /** Lets the process end although this timer is still pending. */
  unref(): Timer;
}

/** Node's timers fire at once beyond this. */
const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export const systemClock: Clock = {
  // The wall clock can be set back while a lease is running; performance.now() cannot.
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (callback, ms) => new SystemTimer(callback, ms),
};

class SystemTimer implements Timer {
  #handle: NodeJS.Timeout;
  #referenced = true;

  constructor(callback: () => void, ms: number) {
    this.#handle = this.#arm(callback, ms);
  }

  cancel(): void {
    clearTimeout(this.#handle);
  }

  unref(): Timer {
    this.#referenced = false;
    this.#handle.unref();
    return this;
  }

  #arm(callback: () => void, ms: number): NodeJS.Timeout {
    if (ms <= LONGEST_TIMEOUT_MS) return setTimeout(callback, Math.max(0, ms));
    return setTimeout(() => {
      this.#handle = this.#arm(callback, ms - LONGEST_TIMEOUT_MS);
      if (!this.#referenced) this.#handle.unref();
    }, LONGEST_TIMEOUT_MS);
  }
}
