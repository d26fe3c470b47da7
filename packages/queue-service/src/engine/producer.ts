import {
  BulkAddError,
  isQueueError,
  type NewJob,
  type Outcome,
  PayloadTooLargeError,
  type QueueError,
  QueueUnavailableError,
  type StoreCapabilities,
  StoreError,
} from '@switchyard/queue-api';
import { type Random, sleep, storeBackoff } from './backoff.ts';
import type { Clock, Timer } from './clock.ts';
import { expectList } from './expect-list.ts';
import { Soon } from './soon.ts';
import { isTransient, type StoreLink } from './store-link.ts';
import { WaitingLine } from './waiting-line.ts';
import { withinTime } from './within-time.ts';

/** One job between `add` and the store's word on it. */
interface Entry {
  readonly job: NewJob;
  /** Once: the job is stored, or never will be. */
  readonly done: (error: QueueError | undefined) => void;
  readonly addedAt: number;
  /** It was sent and no answer came: it may be stored. */
  uncertain: boolean;
  inFlight: boolean;
  settled: boolean;
}

export interface ProducerOptions {
  readonly queue: string;
  readonly link: StoreLink;
  readonly clock: Clock;
  readonly random: Random;
  /** How long an `add` may wait for the store, in ms. */
  readonly addTimeoutMs: number;
}

/** While the store does not answer, no more than this many jobs wait for it; more are refused at once (rule 7). */
const MOST_WAITING_WHILE_DOWN = 10_000;
/** A call that takes longer holds up no others, where the store keeps no order; so many of them at most. */
const SLOW_CALL_MS = 500;
const MOST_SLOW_CALLS = 4;
/** Fewer jobs than this are not worth two calls. */
const HALVED_FROM = 50;
/** Deadlines are looked at no more often than this many times in an `addTimeout`, however many jobs wait. */
const LOOKS_PER_TIMEOUT = 100;

/**
 * Group commit: jobs that are added while a call to the store is in flight leave together in the next one. No timer
 * delays anybody; a lone `add` leaves at once.
 *
 * Every entry ends in one of three ways: stored, refused by the store, or out of time. Trying again within that time
 * is safe because the store takes each id once. A part of a store may hang, and with it the call that has a job for it: then the
 * next call is not kept waiting. `addTimeout` counts from when the store last took something, so a long
 * line in front of a busy store is not mistaken for a store that is down.
 */
export class Producer {
  readonly #options: ProducerOptions;
  readonly #soon = new Soon(() => this.#flush());
  readonly #waiting = new WaitingLine<Entry>();
  readonly #inFlight = new Set<readonly Entry[]>();
  /** Calls in flight that are not waited for any more. */
  #slow = 0;
  #deadline: Timer | undefined;
  #deadlineAt = Number.POSITIVE_INFINITY;
  #failures = 0;
  /** When the store last answered, or was first asked after it owed us nothing. */
  #silentSince = 0;
  #retryPending = false;
  #lastSuccess = Number.NEGATIVE_INFINITY;
  #reaching: Promise<StoreCapabilities> | undefined;
  #waitingToReach = 0;
  #idleWaiters: (() => void)[] = [];

  constructor(options: ProducerOptions) {
    this.#options = options;
  }

  /** Resolves once the job is stored. `since`: when the caller began to wait, if that is a while ago. */
  add(job: NewJob, since?: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#put(job, error => (error === undefined ? resolve() : reject(error)), since);
    });
  }

  /**
   * Adds many. The line is fed a few batches at a time, so that each job's `addTimeout` starts about when its turn
   * comes. Throws as `add` would if none is stored, BulkAddError if some are.
   */
  async addAll(jobs: readonly NewJob[]): Promise<void> {
    const { maxBatch, parallel } = await this.capabilities();
    const window = maxBatch.enqueue * (parallel.enqueue + 1);
    const errors = new Map<NewJob, QueueError>();
    for (let start = 0; start < jobs.length; start += window) {
      const together = jobs.slice(start, start + window);
      await this.#addTogether(together, errors);
      if (!together.some(job => isQueueError(errors.get(job), 'unavailable'))) continue;
      // It is down: the rest would wait as long again, one part after the other, to learn the same.
      for (const job of jobs.slice(start + window)) errors.set(job, this.#refusal(job, 'the store is down'));
      break;
    }
    if (errors.size > 0) throw this.#bulkError(jobs, errors);
  }

  /** Resolves once each of these is stored or failed. */
  #addTogether(jobs: readonly NewJob[], errors: Map<NewJob, QueueError>): Promise<void> {
    return new Promise(resolve => {
      let left = jobs.length;
      for (const job of jobs) {
        this.#put(job, error => {
          if (error !== undefined) errors.set(job, error);
          if (--left === 0) resolve();
        });
      }
    });
  }

  #bulkError(jobs: readonly NewJob[], errors: ReadonlyMap<NewJob, QueueError>): QueueError {
    const [first] = errors.values();
    if (first !== undefined && errors.size === jobs.length) return first;
    const { queue } = this.#options;
    const message = `Queue ${queue}: ${errors.size} of ${jobs.length} jobs were not stored: ${first?.message}`;
    const results = jobs.map(job => errors.get(job) ?? job.id);
    return new BulkAddError(results, message, { queue, cause: first });
  }

  #put(job: NewJob, done: Entry['done'], since?: number): void {
    if (this.#waiting.size >= MOST_WAITING_WHILE_DOWN && this.#isDown()) {
      done(this.#refusal(job, TOO_MANY));
      return;
    }
    const { clock, addTimeoutMs } = this.#options;
    const addedAt = since ?? clock.now();
    this.#waiting.push({ job, done, addedAt, uncertain: false, inFlight: false, settled: false });
    if (addedAt + addTimeoutMs < this.#deadlineAt) this.#setDeadline(addedAt + addTimeoutMs);
    this.#schedule();
  }

  #isDown(): boolean {
    const { clock, addTimeoutMs } = this.#options;
    // Slow is not down: only who has been silent for half of what an `add` may take counts as such.
    return this.#failures > 0 || (this.#inFlight.size > 0 && clock.now() - this.#silentSince > addTimeoutMs / 2);
  }

  #refusal(job: NewJob | undefined, why: string): QueueUnavailableError {
    const { queue } = this.#options;
    const details = { queue, ...(job !== undefined && { jobId: job.id }) };
    return new QueueUnavailableError('not-stored', `Queue ${queue}: ${why}; nothing was stored`, details);
  }

  /** Resolves once nothing is waiting or in flight: at the latest when the last deadline is over. */
  idle(): Promise<void> {
    if (this.#waiting.size === 0 && this.#inFlight.size === 0) return Promise.resolve();
    return new Promise(resolve => void this.#idleWaiters.push(resolve));
  }

  /** The store's capabilities, once it was reached; at the latest after `addTimeout`. */
  async capabilities(): Promise<StoreCapabilities> {
    if (this.#waitingToReach >= MOST_WAITING_WHILE_DOWN) throw this.#refusal(undefined, TOO_MANY);
    this.#waitingToReach++;
    try {
      this.#reaching ??= this.#reach().finally(() => (this.#reaching = undefined));
      return await this.#reaching;
    } finally {
      this.#waitingToReach--;
    }
  }

  async #reach(): Promise<StoreCapabilities> {
    const { link, clock, addTimeoutMs, random, queue } = this.#options;
    const giveUpAt = clock.now() + addTimeoutMs;
    for (let failures = 1; ; failures++) {
      let reason: unknown;
      const opened = link.open().catch((error: unknown) => void (reason = error));
      await withinTime(clock, giveUpAt - clock.now(), opened);
      if (link.capabilities !== undefined) return link.capabilities;
      if (isQueueError(reason) && !isTransient(reason.code)) throw reason;
      const pause = storeBackoff(failures, random);
      if (clock.now() + pause >= giveUpAt) {
        const message = `Queue ${queue}: the store could not be reached within ${addTimeoutMs} ms; nothing was stored`;
        throw new QueueUnavailableError('not-stored', message, { queue, cause: reason });
      }
      await sleep(clock, pause);
    }
  }

  #schedule(): void {
    // A store that failed is left alone until its backoff is over.
    if (!this.#retryPending) this.#soon.request();
  }

  #flush(): void {
    // Until the store was reached once its limits are unknown: send one small call to open it.
    const { maxBatch, parallel } = this.#options.link.capabilities ?? COLD;
    const inFlight = () => this.#inFlight.size - Math.min(this.#slow, MOST_SLOW_CALLS);
    while (this.#waiting.size > 0 && inFlight() < parallel.enqueue && !this.#retryPending) {
      // An idle store gets the half of many to begin with: it works on one half while we prepare and answer the other.
      const isHalved = this.#inFlight.size === 0 && this.#waiting.size >= HALVED_FROM && parallel.enqueue > 1;
      const most = isHalved ? Math.ceil(this.#waiting.size / 2) : maxBatch.enqueue;
      void this.#send(this.#waiting.take(Math.min(most, maxBatch.enqueue)).filter(entry => !entry.settled));
    }
    if (this.#waiting.size === 0 && this.#inFlight.size === 0) {
      for (const resolve of this.#idleWaiters.splice(0)) resolve();
    }
  }

  async #send(batch: readonly Entry[]): Promise<void> {
    if (batch.length === 0) return;
    const { link, addTimeoutMs } = this.#options;
    if (this.#inFlight.size === 0) this.#silentSince = this.#options.clock.now();
    this.#inFlight.add(batch);
    for (const entry of batch) entry.inFlight = true;
    const patience = this.#watch();
    try {
      const jobs = batch.map(entry => entry.job);
      const outcomes = await link.call('enqueue', addTimeoutMs, queue =>
        queue.enqueue(jobs, { timeoutMs: addTimeoutMs }).then(expectList),
      );
      this.#read(batch, outcomes);
    } catch (error) {
      this.#readFailure(batch, error as QueueError);
    } finally {
      patience?.end();
      this.#inFlight.delete(batch);
      this.#silentSince = this.#options.clock.now();
      this.#schedule();
    }
  }

  /** Counts a call as slow once it is, and until it ends. */
  #watch(): { end(): void } | undefined {
    const { link, clock } = this.#options;
    if (link.capabilities?.order !== 'none') return undefined;
    let isSlow = false;
    const timer = clock.setTimeout(() => {
      isSlow = true;
      this.#slow += 1;
      this.#schedule();
    }, SLOW_CALL_MS);
    return {
      end: () => {
        timer.cancel();
        if (isSlow) this.#slow -= 1;
      },
    };
  }

  #read(batch: readonly Entry[], outcomes: readonly Outcome[]): void {
    let trouble: QueueError | undefined;
    const again: Entry[] = [];
    for (const [index, entry] of batch.entries()) {
      const outcome = outcomes[index] ?? MISSING;
      entry.inFlight = false;
      if (outcome.ok) {
        this.#settle(entry, undefined);
        continue;
      }
      const error = this.#outcomeError(entry.job, outcome);
      if (isTransient(outcome.code)) {
        entry.uncertain ||= outcome.code === 'unknown-outcome';
        again.push(entry);
        trouble = error;
      } else {
        this.#settle(entry, error);
      }
    }
    if (again.length < batch.length) {
      this.#lastSuccess = this.#options.clock.now();
      this.#failures = 0;
    }
    if (trouble !== undefined) this.#tryAgain(again);
  }

  #readFailure(batch: readonly Entry[], error: QueueError): void {
    const transient = isTransient(error.code);
    for (const entry of batch) {
      entry.inFlight = false;
      entry.uncertain ||= error.code === 'unknown-outcome';
      if (!transient) this.#settle(entry, error);
    }
    if (transient) this.#tryAgain(batch);
  }

  /** Puts entries back at the head of the line, and leaves the store alone for a moment. */
  #tryAgain(entries: readonly Entry[]): void {
    const { clock, random } = this.#options;
    this.#failures++;
    const now = clock.now();
    // Sent again it might be stored twice, for nobody waits to hear of it.
    for (const entry of entries) if (!entry.settled && this.#deadlineOf(entry) <= now) this.#timeUp(entry);
    this.#waiting.putBack(entries.filter(entry => !entry.settled));
    if (this.#retryPending) return;
    this.#retryPending = true;
    clock.setTimeout(
      () => {
        this.#retryPending = false;
        this.#flush();
      },
      storeBackoff(this.#failures, random),
    );
  }

  #setDeadline(at: number): void {
    const { clock } = this.#options;
    this.#deadline?.cancel();
    this.#deadlineAt = at;
    this.#deadline = clock.setTimeout(() => this.#checkDeadlines(), at - clock.now()).unref();
  }

  /** One timer for all: it goes off when the oldest entry's time is up, and then, soon after, for what is left. */
  #checkDeadlines(): void {
    const { clock, addTimeoutMs } = this.#options;
    const now = clock.now();
    let next = Number.POSITIVE_INFINITY;
    this.#deadlineAt = Number.POSITIVE_INFINITY;
    for (const entries of [...this.#inFlight, this.#waiting]) {
      for (const entry of entries) {
        if (entry.settled) continue;
        const deadline = this.#deadlineOf(entry);
        if (deadline > now) next = Math.min(next, deadline);
        else this.#timeUp(entry);
      }
    }
    if (next === Number.POSITIVE_INFINITY) return;
    // Everything is looked through each time, so many that were added one after the other must not take a look each.
    this.#setDeadline(Math.max(next, now + addTimeoutMs / LOOKS_PER_TIMEOUT));
  }

  #deadlineOf(entry: Entry): number {
    // Whatever is on its way is in good hands as long as the store takes other jobs.
    const patient = !entry.uncertain && this.#failures === 0;
    return (patient ? Math.max(entry.addedAt, this.#lastSuccess) : entry.addedAt) + this.#options.addTimeoutMs;
  }

  #timeUp(entry: Entry): void {
    const { addTimeoutMs, queue, link } = this.#options;
    const outcome = entry.uncertain || entry.inFlight ? 'unknown' : 'not-stored';
    const advice =
      outcome === 'unknown' ? 'it may be stored all the same' : 'nothing was stored, adding it again is safe';
    const because = link.lastError === undefined ? '' : ` (${link.lastError.message})`;
    const message = `Queue ${queue}: the store did not take the job within ${addTimeoutMs} ms; ${advice}${because}`;
    this.#settle(entry, new QueueUnavailableError(outcome, message, { queue, jobId: entry.job.id }));
  }

  #settle(entry: Entry, error: QueueError | undefined): void {
    if (entry.settled) return;
    entry.settled = true;
    entry.done(error);
  }

  #outcomeError(job: NewJob, outcome: Outcome & { ok: false }): QueueError {
    const { queue, link } = this.#options;
    const details = { queue, jobId: job.id };
    const message = `Queue ${queue}: the store refused the job: ${outcome.message ?? outcome.code}`;
    if (outcome.code === 'payload-too-large') {
      const limit = link.capabilities?.maxBodyBytes ?? 0;
      return new PayloadTooLargeError(Buffer.byteLength(job.body), limit, message, details);
    }
    if (outcome.code === 'denied' || outcome.code === 'throttled' || outcome.code === 'unknown-outcome') {
      return new StoreError(outcome.code, message, details);
    }
    return new StoreError('rejected', message, details);
  }
}

const TOO_MANY = `the store is down and ${MOST_WAITING_WHILE_DOWN} jobs wait for it already`;
const COLD = { maxBatch: { enqueue: 1 }, parallel: { enqueue: 1 } };
const MISSING: Outcome = {
  ok: false,
  code: 'unknown-outcome',
  message: 'the adapter returned fewer outcomes than jobs',
};
