/** Those who wait for a job of one queue in this process, and what wakes them. */
export class Sleepers {
  readonly #sleepers = new Set<Sleeper>();
  #wakes = 0;
  #ended = false;

  /** Changes with everything that was heard: who saw another number before they looked for jobs must look again. */
  get wakes(): number {
    return this.#wakes;
  }

  /** There may be a job in so many milliseconds. */
  wake(inMs: number): void {
    this.#wakes++;
    for (const sleeper of this.#sleepers) sleeper.sleepNoLongerThan(inMs);
  }

  /** Resolves after `ms`, or when woken, or at once if something was heard since `wakes` was read. */
  async sleep(ms: number, wakes: number, signal: AbortSignal): Promise<void> {
    if (this.#ended || wakes !== this.#wakes || signal.aborted) return;
    const sleeper = new Sleeper(ms);
    const wakeUp = () => sleeper.wakeUp();
    this.#sleepers.add(sleeper);
    signal.addEventListener('abort', wakeUp, { once: true });
    await sleeper.awake;
    signal.removeEventListener('abort', wakeUp);
    this.#sleepers.delete(sleeper);
  }

  /** Wakes everybody; nobody sleeps again. */
  end(): void {
    this.#ended = true;
    for (const sleeper of this.#sleepers) sleeper.wakeUp();
  }
}

class Sleeper {
  readonly awake: Promise<void>;
  #resolve: () => void = () => {};
  #timer: NodeJS.Timeout;
  #until: number;

  constructor(ms: number) {
    this.awake = new Promise(resolve => (this.#resolve = resolve));
    this.#until = performance.now() + ms;
    this.#timer = setTimeout(() => this.wakeUp(), ms);
  }

  sleepNoLongerThan(ms: number): void {
    if (ms <= 0) this.wakeUp();
    if (performance.now() + ms >= this.#until) return;
    clearTimeout(this.#timer);
    this.#until = performance.now() + ms;
    this.#timer = setTimeout(() => this.wakeUp(), ms);
  }

  wakeUp(): void {
    clearTimeout(this.#timer);
    this.#resolve();
  }
}
