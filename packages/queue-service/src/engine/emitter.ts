import type { QueueEvents } from '@switchyard/queue-api';
import { isThenable } from './is-thenable.ts';

type Listener<E extends keyof QueueEvents> = (event: QueueEvents[E]) => unknown;

/**
 * A typed event emitter whose listeners can harm nobody (rule 28): what they throw or reject with goes to
 * `onListenerError` and nowhere else.
 */
export class Emitter {
  /** Never changed in place: who listens or leaves during an event is heard from the next one on. */
  readonly #listeners: { [E in keyof QueueEvents]?: readonly Listener<E>[] } = {};
  readonly #onListenerError: (error: unknown) => void;

  constructor(onListenerError: (error: unknown) => void) {
    this.#onListenerError = onListenerError;
  }

  on<E extends keyof QueueEvents>(event: E, listener: Listener<E>): () => void {
    // A wrapper, so that the same function registered twice is two listeners.
    const entry: Listener<E> = payload => listener(payload);
    this.#set(event, [...this.#of(event), entry]);
    return () =>
      this.#set(
        event,
        this.#of(event).filter(other => other !== entry),
      );
  }

  /** Saves building events that nobody hears. */
  hears(event: keyof QueueEvents): boolean {
    return this.#of(event).length > 0;
  }

  emit<E extends keyof QueueEvents>(event: E, payload: QueueEvents[E]): void {
    for (const listener of this.#of(event)) {
      try {
        const returned = listener(payload);
        if (isThenable(returned)) Promise.resolve(returned).catch(this.#onListenerError);
      } catch (error) {
        this.#onListenerError(error);
      }
    }
  }

  #of<E extends keyof QueueEvents>(event: E): readonly Listener<E>[] {
    return this.#listeners[event] ?? [];
  }

  #set<E extends keyof QueueEvents>(event: E, listeners: readonly Listener<E>[]): void {
    (this.#listeners as { [K in E]?: readonly Listener<K>[] })[event] = listeners;
  }
}
