import { createHash } from 'node:crypto';
import type { AdapterContext } from '@switchyard/queue-api';
import type { Client } from 'pg';
import { inTime } from './in-time.ts';

type Listener = (inMs: number) => void;

export interface WakeUpsOptions {
  readonly schema: string;
  /** Makes a connection that is not connected yet; absent where listening is of no use. */
  readonly createListener: (() => Client) | undefined;
  readonly report: AdapterContext['report'];
}

/** A connection is asked so often whether it still lives. */
const PING_EVERY_MS = 10_000;
const CALL_TIMEOUT_MS = 5000;
const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 5000;

/**
 * Hears, on one connection for all queues of the process, that there is a job.
 *
 * Messages can be lost with the connection. So whenever a queue begins to be heard its listeners are woken once, and who
 * waits in a queue that is not heard must look from time to time. A connection that has died without a word is found by its
 * silence when it is asked, and replaced like any other that ended. What the locks are for is said in `sql/wake.ts`.
 */
export class WakeUps {
  readonly #options: WakeUpsOptions;
  readonly #channel: string;
  readonly #listeners = new Map<string, Set<Listener>>();
  readonly #heard = new Set<string>();
  #client: Client | undefined;
  #asked: Promise<unknown> = Promise.resolve();
  #isReady = false;
  #pauseMs = FIRST_PAUSE_MS;
  #timer: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: WakeUpsOptions) {
    this.#options = options;
    this.#channel = channelOf(options.schema);
  }

  /** Where the statements tell of jobs: the queue's lock and the channel. */
  address(queue: string): [lock: string, channel: string] {
    return [lockOf(this.#options.schema, queue), this.#channel];
  }

  /** Returns how to stop listening. */
  listen(queue: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(queue) ?? new Set();
    this.#listeners.set(queue, listeners.add(listener));
    if (this.#client === undefined) this.#connectLater(0);
    else if (listeners.size === 1 && this.#isReady) void this.#hear(this.#client, [queue]);
    return () => {
      listeners.delete(listener);
      if (listeners.size > 0) return;
      this.#listeners.delete(queue);
      if (!this.#heard.delete(queue)) return;
      const [lock] = this.address(queue);
      const client = this.#client;
      if (client !== undefined)
        this.#ask(client, 'SELECT pg_advisory_unlock_shared($1::bigint)', [lock]).catch(() => {});
    };
  }

  /** Whether everything that is said of the queue is heard. */
  hears(queue: string): boolean {
    return this.#heard.has(queue);
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#timer);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  #connectLater(ms: number): void {
    if (this.#closed || this.#timer !== undefined || this.#options.createListener === undefined) return;
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      const { createListener } = this.#options;
      if (this.#listeners.size > 0 && createListener !== undefined) void this.#connect(createListener());
    }, ms);
  }

  async #connect(client: Client): Promise<void> {
    this.#client = client;
    this.#asked = Promise.resolve();
    // Said again by what follows from it, the end of the connection.
    client.on('error', () => {});
    client.on('end', () => this.#lost(client));
    client.on('notification', ({ payload = '' }) => this.#heardOf(payload));
    try {
      await inTime('connect', CALL_TIMEOUT_MS, client.connect());
      await inTime('listen', CALL_TIMEOUT_MS, this.#ask(client, `LISTEN ${this.#channel}`));
    } catch (cause) {
      this.#fail(client, cause);
      return;
    }
    if (this.#client !== client) return;
    this.#isReady = true;
    const pinging = setInterval(() => void this.#ping(client), PING_EVERY_MS);
    client.once('end', () => clearInterval(pinging));
    await this.#hear(client, [...this.#listeners.keys()]);
  }

  /** One after the other: a connection carries out one at a time. */
  #ask(client: Client, text: string, values?: unknown[]): Promise<unknown> {
    const asked = this.#asked.then(() => client.query(text, values));
    this.#asked = asked.catch(() => {});
    return asked;
  }

  async #ping(client: Client): Promise<void> {
    try {
      await inTime('listen', CALL_TIMEOUT_MS, this.#ask(client, 'SELECT'));
    } catch (cause) {
      this.#fail(client, cause);
    }
  }

  async #hear(client: Client, queues: readonly string[]): Promise<void> {
    if (queues.length === 0) return;
    const locks = queues.map(queue => this.address(queue)[0]);
    const lockAll = 'SELECT pg_advisory_lock_shared(lock) FROM unnest($1::bigint[]) AS lock';
    try {
      await inTime('listen', CALL_TIMEOUT_MS, this.#ask(client, lockAll, [locks]));
    } catch (cause) {
      this.#fail(client, cause);
      return;
    }
    if (this.#client !== client) return;
    this.#pauseMs = FIRST_PAUSE_MS;
    for (const queue of queues) {
      if (!this.#listeners.has(queue)) continue;
      this.#heard.add(queue);
      // What was said before nobody heard.
      this.#tell(queue, 0);
    }
  }

  /** In how many ms, and the queue. */
  #heardOf(payload: string): void {
    const space = payload.indexOf(' ');
    this.#tell(payload.slice(space + 1), Number(payload.slice(0, space)));
  }

  #tell(queue: string, inMs: number): void {
    for (const listener of this.#listeners.get(queue) ?? []) listener(inMs);
  }

  #fail(client: Client, cause: unknown): void {
    if (this.#client !== client) return;
    const message =
      'The connection that waits for jobs failed: jobs are found by looking once a second until it is back';
    if (!this.#closed) this.#options.report({ level: 'warning', code: 'wake-up-failed', message, cause });
    this.#lost(client);
    // It would wait for an answer that may never come.
    (client as unknown as { connection: { stream: { destroy(): void } } }).connection.stream.destroy();
  }

  #lost(client: Client): void {
    if (this.#client !== client) return;
    this.#client = undefined;
    this.#isReady = false;
    this.#heard.clear();
    this.#connectLater(this.#pauseMs * (0.5 + Math.random() / 2));
    this.#pauseMs = Math.min(2 * this.#pauseMs, LONGEST_PAUSE_MS);
  }
}

/** Channels and locks are the whole database's: they are named after the schema. */
function channelOf(schema: string): string {
  return `switchyard_${schema}`;
}

/** 64 bits of a hash. Two queues that share a lock are told a little more often than they need be. */
function lockOf(schema: string, queue: string): string {
  return createHash('sha256').update(`switchyard ${schema} ${queue}`).digest().readBigInt64BE().toString();
}
