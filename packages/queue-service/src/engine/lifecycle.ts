import { InvalidStateError, type QueueState } from '@switchyard/queue-api';

/** What the lifecycle steers: the part of a consumer that starts and stops. */
export interface Startable {
  start(): void;
  pause(): Promise<void>;
  stop(timeoutMs: number): Promise<void>;
}

/**
 * The one place where a queue's state changes.
 *
 *   from \ call | process             | pause      | resume     | disconnect
 *   idle        | running, or paused  | remembered | forgotten  | idle
 *   running     | throws              | paused     | running    | stopping, then idle
 *   paused      | throws              | paused     | running    | stopping, then idle
 *   stopping    | throws              | remembered | forgotten  | the same promise
 *
 * A pause is remembered until `resume`, over `process` and `disconnect` alike (rule 21). Pauses and resumes take their
 * effect one after the other, so that a quick succession ends as the last call said. `retire` is a `disconnect` after
 * which `process` throws: the service is going away.
 */
export class Lifecycle {
  readonly #queue: string;
  #state: QueueState = 'idle';
  #pauseWanted = false;
  #retired = false;
  #consumer: Startable | undefined;
  #transition: Promise<void> = Promise.resolve();
  #stopping: Promise<void> | undefined;

  constructor(queue: string) {
    this.#queue = queue;
  }

  get state(): QueueState {
    return this.#state;
  }

  /** Makes and starts a consumer; `create` returns `undefined` on an instance that only adds. */
  process(create: () => Startable | undefined): void {
    const details = { queue: this.#queue };
    if (this.#retired) {
      throw new InvalidStateError(`Queue ${this.#queue} cannot process: its service is shutting down`, details);
    }
    if (this.#state === 'stopping') {
      throw this.disconnectingError();
    }
    if (this.#state !== 'idle') {
      const message = `Queue ${this.#queue} has a handler already: call process() once, or disconnect() first`;
      throw new InvalidStateError(message, details);
    }
    this.#consumer = create();
    this.#state = this.#pauseWanted ? 'paused' : 'running';
    if (this.#state === 'running') this.#consumer?.start();
  }

  disconnectingError(): InvalidStateError {
    const message = `Queue ${this.#queue} is disconnecting: await disconnect() before process()`;
    return new InvalidStateError(message, { queue: this.#queue });
  }

  pause(): Promise<void> {
    this.#pauseWanted = true;
    if (this.#state === 'running') {
      this.#state = 'paused';
      // Unless it was resumed before its turn: many in a row must not take many times as long.
      this.#follow(consumer => (this.#state === 'paused' ? consumer.pause() : undefined));
    }
    return this.#stopping ?? this.#transition;
  }

  resume(): Promise<void> {
    this.#pauseWanted = false;
    if (this.#state === 'paused') {
      this.#state = 'running';
      this.#follow(consumer => {
        if (this.#state === 'running') consumer.start();
      });
    }
    return this.#stopping ?? this.#transition;
  }

  disconnect(timeoutMs: number): Promise<void> {
    if (this.#state === 'idle') return Promise.resolve();
    this.#state = 'stopping';
    this.#stopping ??= this.#stop(timeoutMs);
    return this.#stopping;
  }

  retire(timeoutMs: number): Promise<void> {
    this.#retired = true;
    return this.disconnect(timeoutMs);
  }

  async #stop(timeoutMs: number): Promise<void> {
    await this.#consumer?.stop(timeoutMs);
    this.#consumer = undefined;
    // A pause that is still under way may take longer than a disconnect, and has nobody to tell any more.
    this.#transition = Promise.resolve();
    this.#stopping = undefined;
    this.#state = 'idle';
  }

  #follow(step: (consumer: Startable) => Promise<void> | void): void {
    const consumer = this.#consumer;
    this.#transition = this.#transition.then(() => {
      if (consumer !== undefined && consumer === this.#consumer) return step(consumer);
    });
  }
}
