import type { AdapterContext } from '@switchyard/queue-api';
import type { Redis } from 'ioredis';
import { classify } from './classify.ts';

type Listener = (inMs: number) => void;

export interface WakeUpsOptions {
  /** Makes a connection that is not connected yet and does not repair itself. */
  readonly createSubscriber: () => Redis;
  readonly report: AdapterContext['report'];
}

/** A connection on which nothing is said for so long is asked whether it still lives. */
const PING_EVERY_MS = 10_000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;
/** How long a user who may not listen is left alone. */
const DENIED_PAUSE_MS = 60_000;

/**
 * Hears, on one connection for all queues of the process, that there is a job.
 *
 * Messages can be lost: with the connection, or before it listens. So whenever a channel begins to be heard its listeners
 * are woken once, and who waits on a channel that is not heard must look from time to time. A connection that has died
 * without a word is found by its silence after a PING, and replaced like any other that ended.
 */
export class WakeUps {
  readonly #options: WakeUpsOptions;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #heard = new Set<string>();
  #subscriber: Redis | undefined;
  #isReady = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
  }

  /** Returns how to stop listening. */
  listen(channel: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(channel) ?? new Set();
    this.#listeners.set(channel, listeners.add(listener));
    if (this.#subscriber === undefined) this.#connectLater(0);
    else if (listeners.size === 1 && this.#isReady) void this.#subscribe(this.#subscriber, [channel]);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#listeners.delete(channel);
      if (this.#heard.delete(channel)) this.#subscriber?.unsubscribe(channel).catch(() => {});
    };
  }

  /** Whether everything that is said on the channel is heard. */
  hears(channel: string): boolean {
    return this.#heard.has(channel);
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#subscriber?.disconnect();
  }

  #connectLater(ms: number): void {
    if (this.#closed || this.#timer !== undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      if (this.#listeners.size > 0) void this.#connect();
    }, ms);
  }

  async #connect(): Promise<void> {
    const subscriber = this.#options.createSubscriber();
    this.#subscriber = subscriber;
    // Said again by what follows from it, the end of the connection.
    subscriber.on('error', () => {});
    subscriber.on('message', (channel, text) => this.#tell(channel, Number(text)));
    subscriber.on('end', () => this.#lost(subscriber));
    try {
      await subscriber.connect();
    } catch (cause) {
      this.#fail(subscriber, cause);
      return;
    }
    this.#isReady = true;
    const pinging = setInterval(() => void subscriber.ping().catch(() => {}), PING_EVERY_MS);
    subscriber.on('end', () => clearInterval(pinging));
    await this.#subscribe(subscriber, [...this.#listeners.keys()]);
  }

  async #subscribe(subscriber: Redis, channels: readonly string[]): Promise<void> {
    if (channels.length === 0) return;
    try {
      await subscriber.subscribe(...channels);
    } catch (cause) {
      this.#fail(subscriber, cause);
      return;
    }
    if (this.#subscriber !== subscriber) return;
    this.#pauseMs = FIRST_PAUSE_MS;
    for (const channel of channels) {
      if (!this.#listeners.has(channel)) continue;
      this.#heard.add(channel);
      // What was said before nobody heard.
      this.#tell(channel, 0);
    }
  }

  #tell(channel: string, inMs: number): void {
    for (const listener of this.#listeners.get(channel) ?? []) listener(inMs);
  }

  #fail(subscriber: Redis, cause: unknown): void {
    const denied = classify(cause) === 'denied';
    if (denied) this.#pauseMs = DENIED_PAUSE_MS;
    const message = denied
      ? "The Redis user may not subscribe: jobs are found by looking once a second. Allow it the channels of the store's keyPrefix (ACL SETUSER … '&prefix:*')"
      : 'The connection that waits for jobs failed: jobs are found by looking once a second until it is back';
    if (!this.#closed) {
      this.#options.report({ level: 'warning', code: denied ? 'wake-up-denied' : 'wake-up-failed', message, cause });
    }
    subscriber.disconnect();
    this.#lost(subscriber);
  }

  #lost(subscriber: Redis): void {
    if (this.#subscriber !== subscriber) return;
    this.#subscriber = undefined;
    this.#isReady = false;
    this.#heard.clear();
    this.#connectLater(this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.max(this.#pauseMs, Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS));
  }
}
