import {
  type Delivery,
  type JobCounts,
  type NewJob,
  type Outcome,
  QueueUnavailableError,
  type Receipt,
  type ReserveRequest,
  type Settlement,
  type StoreQueue,
} from '@switchyard/queue-api';
import { envelopeOf } from './envelope.ts';
import { atMost } from './in-time.ts';
import type { Limits } from './limits.ts';
import { jobMessage, type OutgoingMessage } from './message.ts';
import type { Poller } from './poller.ts';
import type { QueueFinder } from './queue-finder.ts';
import { delaySeconds } from './seconds.ts';
import { sendMessages } from './send-messages.ts';
import type { Settler } from './settler.ts';
import type { SqsApi } from './sqs-api.ts';

export interface SqsQueueOptions {
  readonly name: string;
  readonly api: SqsApi;
  readonly main: QueueFinder;
  readonly dead: QueueFinder;
  readonly poller: Poller;
  readonly settler: Settler;
  readonly limits: Limits;
  /** The most that a message may have in this queue. */
  readonly maxBytes: () => number;
  /** Called before the first `reserve`: from then on this is a worker. */
  readonly onWork: () => void;
  /** Nothing is under way any more. */
  readonly onIdle: () => void;
}

const MORE_IN_A_COPY = 128;
const OK: Outcome = Object.freeze({ ok: true });
/** For finding the queue, and for its numbers. */
const COUNT_TIMEOUT_MS = 5000;

/** One opened queue: what the adapter contract asks for, in requests that SQS understands. */
export class SqsQueue implements StoreQueue {
  readonly #options: SqsQueueOptions;
  readonly #calls = new Set<Promise<unknown>>();
  #works = false;
  #isClosed = false;

  constructor(options: SqsQueueOptions) {
    this.#options = options;
  }

  /** SQS has no index of ids: an id that is added in two calls is two messages. */
  async enqueue(jobs: readonly NewJob[], { timeoutMs }: { readonly timeoutMs: number }): Promise<Outcome[]> {
    this.#checkOpen();
    const { limits, maxBytes } = this.#options;
    const outcomes = new Map<string, Outcome>();
    const messages = new Map<string, OutgoingMessage>();
    for (const job of jobs) {
      if (outcomes.has(job.id)) continue;
      outcomes.set(job.id, OK);
      const isLong = job.delayMs > limits.delayMs;
      const envelope = { ...envelopeOf(job), ...(isLong && { delayMs: job.delayMs }) };
      const message = jobMessage(envelope, delaySeconds(Math.min(job.delayMs, limits.delayMs)));
      // Copies of it say more: when it was added, when it is due, how often it was handed out.
      const bytes = message.bytes + MORE_IN_A_COPY;
      if (bytes > maxBytes()) outcomes.set(job.id, refuseSize(bytes, maxBytes()));
      else messages.set(job.id, message);
    }
    const sent = await this.#track(this.#send([...messages.values()], timeoutMs));
    for (const [index, id] of [...messages.keys()].entries()) outcomes.set(id, sent[index] ?? OK);
    return jobs.map(({ id }) => outcomes.get(id) ?? OK);
  }

  async #send(messages: readonly OutgoingMessage[], timeoutMs: number): Promise<readonly Outcome[]> {
    if (messages.length === 0) return [];
    const { api, main, maxBytes } = this.#options;
    const end = performance.now() + timeoutMs;
    try {
      const place = await main.placeWithin(timeoutMs);
      const left = Math.max(1, Math.round(end - performance.now()));
      return await sendMessages(api, place, messages, { timeoutMs: left, maxBytes: maxBytes() });
    } catch (error) {
      main.failed(error);
      throw error;
    }
  }

  async reserve(request: ReserveRequest): Promise<readonly Delivery[]> {
    this.#checkOpen();
    if (!this.#works) this.#options.onWork();
    this.#works = true;
    return this.#options.poller.reserve(request);
  }

  async settle(settlements: readonly Settlement[], { timeoutMs }: { readonly timeoutMs: number }): Promise<Outcome[]> {
    this.#checkOpen();
    return this.#track(this.#options.settler.settle(settlements, timeoutMs));
  }

  async extend(
    receipts: readonly Receipt[],
    leaseMs: number,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Outcome[]> {
    this.#checkOpen();
    return this.#track(this.#options.settler.extend(receipts, leaseMs, timeoutMs));
  }

  /** SQS counts what waits for its retry among what is with workers. It is late, and its numbers are roughly right. */
  async counts(): Promise<JobCounts> {
    this.#checkOpen();
    const { api, main } = this.#options;
    const names = [
      'ApproximateNumberOfMessages',
      'ApproximateNumberOfMessagesDelayed',
      'ApproximateNumberOfMessagesNotVisible',
    ] as const;
    try {
      const place = await main.placeWithin(COUNT_TIMEOUT_MS);
      const counts = await api.attributes(place, names, COUNT_TIMEOUT_MS);
      const [waiting, delayed, active] = names.map(name => Number(counts[name]));
      if (!Number.isInteger(waiting) || !Number.isInteger(delayed) || !Number.isInteger(active)) {
        throw new Error(`SQS does not count the queue ${place.name}`);
      }
      return { waiting, delayed, active } as JobCounts;
    } catch (error) {
      main.failed(error);
      throw error;
    }
  }

  /**
   * Waits for what was asked on behalf of jobs. A poll may last for twenty seconds: it goes on as long as the connection, and
   * what it brings is given back. The end of the connection waits for it, see {@link SqsQueue.idle}.
   */
  async close({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    if (!this.#isClosed) {
      this.#isClosed = true;
      this.#options.poller.end();
      void this.idle().then(this.#options.onIdle);
    }
    await atMost(timeoutMs, this.#settled());
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    await this.#settled();
    await this.#options.poller.idle();
  }

  async #settled(): Promise<void> {
    while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
  }

  #checkOpen(): void {
    if (!this.#isClosed) return;
    throw new QueueUnavailableError('not-stored', `Queue ${this.#options.name} of the SQS store is closed`);
  }

  #track<Answer>(call: Promise<Answer>): Promise<Answer> {
    const forget = () => void this.#calls.delete(call);
    this.#calls.add(call);
    call.then(forget, forget);
    return call;
  }
}

function refuseSize(size: number, limit: number): Outcome {
  const message = `The message has ${size} bytes with its headers; the queue takes up to ${limit}`;
  return { ok: false, code: 'payload-too-large', message };
}
