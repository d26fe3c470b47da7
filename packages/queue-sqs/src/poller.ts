import type { AdapterContext, Delivery, ReserveRequest } from '@switchyard/queue-api';
import { CallTimeoutError } from './classify.ts';
import { cameEarly, msUntilDue } from './due-time.ts';
import { bodyOf, type Envelope, readEnvelope } from './envelope.ts';
import { type Hopper, Hops } from './hops.ts';
import { Lease } from './lease.ts';
import { BATCH_ENTRIES, type Limits, POLL_MS } from './limits.ts';
import type { QueueFinder } from './queue-finder.ts';
import { delaySeconds, leaseSeconds } from './seconds.ts';
import type { PollAnswer, QueuePlace, SqsApi } from './sqs-api.ts';

export interface PollerOptions {
  readonly api: SqsApi;
  readonly main: QueueFinder;
  readonly limits: Limits;
  readonly maxBytes: () => number;
  readonly report: AdapterContext['report'];
  readonly queue: string;
}

/** One request for messages that is under way. */
interface Poll {
  readonly max: number;
  readonly leaseMs: number;
  /** When its answer should have come, by `performance.now()`. */
  readonly endsAt: number;
  /** Who waits for it; nobody once a `reserve` has left it behind. */
  taker: PromiseWithResolvers<readonly Delivery[]> | undefined;
}

/** How much longer than asked a poll may take before the connection counts as dead. */
const ANSWER_MS = 10_000;
/** A poll that is under way when its signal aborts may take so long; what it brings later is given back. */
const ABORT_GRACE_MS = 80;
const GIVE_BACK_TIMEOUT_MS = 10_000;

const NOT_OURS = 'it has no envelope of this store, or one of a later version';

/**
 * Asks SQS for messages.
 *
 * A poll is never cancelled: SQS may be about to answer it, and would keep what is in the answer from everybody for the
 * length of a lease. A `reserve` that ends before its poll leaves it behind. The next one that asks for as much takes it
 * over; until then what it brings is given back. Messages that are not due yet hop on and are not handed out.
 */
export class Poller {
  readonly #options: PollerOptions;
  readonly #hops: Hops;
  readonly #polls = new Set<Poll>();
  /** Everything that is under way. */
  readonly #work = new Set<Promise<void>>();
  #isEnded = false;

  constructor(options: PollerOptions) {
    this.#options = options;
    const { api, limits, maxBytes, report, queue } = options;
    this.#hops = new Hops({
      api,
      limits,
      maxBytes,
      onTrouble(cause, { name }) {
        const message = `Jobs of the queue ${name} that are not due yet could not be sent on: ${String(cause)}. They are tried again`;
        report({ level: 'warning', code: 'hop-failed', message, queue, cause });
      },
    });
  }

  async reserve({ max, leaseMs, waitMs, signal }: ReserveRequest): Promise<readonly Delivery[]> {
    const end = performance.now() + waitMs;
    for (;;) {
      await this.#hops.room(end - performance.now(), signal);
      if (signal.aborted || this.#isEnded) return [];
      const leftMs = Math.min(POLL_MS, Math.max(0, end - performance.now()));
      const left = leftMs > 0 ? this.#leftBehind(max, leaseMs) : undefined;
      const poll = left ?? this.#start(Math.min(max, BATCH_ENTRIES), leaseMs, delaySeconds(leftMs));
      const deliveries = await this.#answerOf(poll, signal, left === undefined ? Infinity : end);
      if (deliveries.length > 0 || performance.now() >= end) return deliveries;
    }
  }

  /** Everybody who waits is told that there is nothing; nothing is handed out any more. */
  end(): void {
    this.#isEnded = true;
    this.#hops.end();
    for (const poll of this.#polls) {
      poll.taker?.resolve([]);
      poll.taker = undefined;
    }
  }

  /** Resolves once nothing is under way. */
  async idle(): Promise<void> {
    while (this.#work.size > 0) await Promise.all(this.#work);
    await this.#hops.idle();
  }

  #leftBehind(max: number, leaseMs: number): Poll | undefined {
    const isFit = (poll: Poll) =>
      poll.taker === undefined && poll.max <= max && poll.leaseMs === leaseMs && performance.now() < poll.endsAt;
    return [...this.#polls].find(isFit);
  }

  #start(max: number, leaseMs: number, waitSeconds: number): Poll {
    const poll: Poll = { max, leaseMs, endsAt: performance.now() + waitSeconds * 1000, taker: undefined };
    this.#polls.add(poll);
    this.#track(this.#run(poll, waitSeconds));
    return poll;
  }

  /** Never rejects. */
  async #run(poll: Poll, waitSeconds: number): Promise<void> {
    const { api, main } = this.#options;
    try {
      const place = await main.place();
      const askedAt = performance.now();
      const visibilitySeconds = leaseSeconds(poll.leaseMs);
      const answer = await api.receive(place, { max: poll.max, visibilitySeconds, waitSeconds });
      this.#polls.delete(poll);
      // SQS answers a request that waits as soon as it hands something out. This process may have stood still since.
      const leasedAt = waitSeconds === 0 ? askedAt : Math.max(askedAt, performance.now() - answer.ageMs);
      const deliveries = this.#read(answer, place, leasedAt, poll.leaseMs);
      if (poll.taker === undefined) await this.#giveBack(place, deliveries);
      else poll.taker.resolve(deliveries);
    } catch (error) {
      main.failed(error);
      this.#polls.delete(poll);
      poll.taker?.reject(error);
    }
  }

  /** `until`: when to leave the poll behind although all is well with it. */
  async #answerOf(poll: Poll, signal: AbortSignal, until: number): Promise<readonly Delivery[]> {
    const taker = Promise.withResolvers<readonly Delivery[]>();
    poll.taker = taker;
    const leave = () => {
      poll.taker = undefined;
      taker.resolve([]);
    };
    let grace: NodeJS.Timeout | undefined;
    const onAbort = () => (grace = setTimeout(leave, ABORT_GRACE_MS));
    signal.addEventListener('abort', onAbort, { once: true });
    const overdueAt = poll.endsAt + ANSWER_MS;
    const timer = setTimeout(
      () => {
        if (until >= overdueAt) taker.reject(new CallTimeoutError('ReceiveMessage', ANSWER_MS));
        leave();
      },
      Math.min(until, overdueAt) - performance.now(),
    );
    try {
      return await taker.promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      clearTimeout(timer);
      clearTimeout(grace);
    }
  }

  #read({ messages, serverTime }: PollAnswer, place: QueuePlace, leasedAt: number, leaseMs: number): Delivery[] {
    const { limits } = this.#options;
    const deliveries: Delivery[] = [];
    const hoppers: Hopper[] = [];
    for (const message of messages) {
      const envelope = readEnvelope(message.Body ?? '', message.MessageAttributes);
      const lease = new Lease(message, envelope, leasedAt + leaseMs, leasedAt + limits.invisibleMs);
      // It is somebody else's by now, or soon.
      if (!lease.isHeld) continue;
      const early = envelope === undefined ? 0 : msUntilDue(message, envelope, serverTime);
      if (envelope === undefined) deliveries.push({ kind: 'unreadable', why: NOT_OURS, receipt: lease });
      else if (early === 0 && !cameEarly(message, envelope)) deliveries.push(jobOf(envelope, lease));
      else hoppers.push({ lease, envelope, due: performance.now() + early });
    }
    if (hoppers.length > 0) this.#hops.start(hoppers, place);
    return deliveries;
  }

  /** Their leases end by themselves if this fails. */
  async #giveBack(place: QueuePlace, deliveries: readonly Delivery[]): Promise<void> {
    const changes = deliveries.map(({ receipt }) => ({ handle: (receipt as Lease).handle, seconds: 0 }));
    if (changes.length === 0) return;
    await this.#options.api.changeVisibility(place, changes, GIVE_BACK_TIMEOUT_MS).catch(() => {});
  }

  #track(work: Promise<void>): void {
    this.#work.add(work);
    void work.finally(() => this.#work.delete(work));
  }
}

function jobOf(envelope: Envelope, lease: Lease): Delivery {
  const { id, priority, headers } = envelope;
  const { attempt, addedAt } = lease;
  return { kind: 'job', id, body: bodyOf(envelope), headers, priority, attempt, enqueuedAt: addedAt, receipt: lease };
}
