import type {
  Delivery,
  ExchangeRequest,
  ExchangeResult,
  JobCounts,
  JobDelivery,
  NewJob,
  Outcome,
  Receipt,
  ReserveRequest,
  Settlement,
} from '@switchyard/queue-api';
import { Alarm } from './alarm.ts';
import { CAPABILITIES } from './capabilities.ts';
import type { Clock } from './clock.ts';
import { type DeadLetters, letterOf } from './dead-letters.ts';
import { Heap } from './heap.ts';
import { endsBefore, Lease } from './lease.ts';
import { ReadyLine } from './ready-line.ts';
import { isDueBefore, StoredJob } from './stored-job.ts';
import { Waiters } from './waiters.ts';

const OK: Outcome = Object.freeze({ ok: true });
const LEASE_LOST: Outcome = Object.freeze({ ok: false, code: 'lease-lost' });

/**
 * One queue in memory: the rules every store follows, without a network in between.
 *
 *       with a delay ┌── enqueue ──┐ without
 *                    ▼             ▼
 *                 delayed ──due─► ready ──reserve─► leased ──ack──► gone
 *                    ▲             ▲                │ │ │
 *                    │             └─ at once, ─────┘ │ └──dead──► dead letter ──too old, too many──► gone
 *                    │                lease ended     │
 *                    └───── retry, release later ─────┘
 *
 * Every call is carried out between two turns of the event loop, so nobody ever sees a half-done one. It begins by
 * catching up with the clock: leases that have ended, delays that are over and letters past their caps are dealt with
 * before anything else, as if it had been done at that very moment. A timer is needed only to wake those who wait.
 *
 * Invariants:
 * 1. A job is in exactly one of `#delayed`, `#ready`, `#leases` and `#dead`; its id is in `#ids` exactly as long.
 * 2. What leaves a place leaves nothing there. The memory in use is what the counts say, after any number of jobs,
 *    retries and renewals.
 * 3. A job gets a new place in the order whenever it becomes ready; only a release without a delay keeps the old one.
 * 4. While a `reserve` waits nothing is ready, and the alarm is set for the next end of a lease or a delay. While none
 *    waits there is no timer.
 */
export class MemoryQueue {
  readonly #clock: Clock;
  readonly #ids = new Set<string>();
  readonly #delayed = new Heap<StoredJob>(isDueBefore);
  readonly #ready = new ReadyLine();
  readonly #leases = new Heap<Lease>(endsBefore);
  readonly #dead: DeadLetters;
  readonly #alarm: Alarm;
  readonly #waiters: Waiters;
  #sequence = 0;

  constructor(clock: Clock, deadLetters: DeadLetters) {
    this.#clock = clock;
    this.#dead = deadLetters;
    this.#alarm = new Alarm(clock, () => void this.#catchUp());
    this.#waiters = new Waiters(clock, () => this.#alarm.off());
  }

  /** An id that is stored in any state but finished, a dead letter's included, is `ok` and changes nothing (rule 7). */
  enqueue(jobs: readonly NewJob[]): Outcome[] {
    const now = this.#catchUp();
    const outcomes: Outcome[] = [];
    for (const job of jobs) outcomes.push(this.#add(job, now));
    this.#serve(now);
    return outcomes;
  }

  /** {@link dismiss} with the same `owner` ends the waiting. */
  reserve(request: ReserveRequest, owner: unknown): readonly Delivery[] | Promise<readonly Delivery[]> {
    if (request.signal.aborted) return [];
    const now = this.#catchUp();
    if (this.#ready.size > 0 || request.waitMs <= 0) return this.#take(request.max, request.leaseMs, now);
    const answer = this.#waiters.wait(request, owner);
    this.#serve(now);
    return answer;
  }

  settle(settlements: readonly Settlement[]): Outcome[] {
    return this.#settleAll(settlements, this.#catchUp());
  }

  /** What is handed back goes to those who wait, if any: they were here first. */
  exchange(settlements: readonly Settlement[], request: ExchangeRequest): ExchangeResult {
    const now = this.#catchUp();
    const outcomes = this.#settleAll(settlements, now);
    return { outcomes, deliveries: this.#take(request.max, request.leaseMs, now) };
  }

  extend(receipts: readonly Receipt[], leaseMs: number): Outcome[] {
    const now = this.#catchUp();
    const outcomes: Outcome[] = [];
    for (const receipt of receipts) {
      const lease = this.#leaseOf(receipt);
      if (lease !== undefined) {
        lease.until = now + leaseMs;
        this.#leases.update(lease);
      }
      outcomes.push(lease === undefined ? LEASE_LOST : OK);
    }
    this.#serve(now);
    return outcomes;
  }

  counts(): JobCounts {
    this.#catchUp();
    return {
      waiting: this.#ready.size,
      delayed: this.#delayed.size,
      active: this.#leases.size,
      dead: this.#dead.size,
    };
  }

  /** Answers the waiting reserves of `owner` with nothing. */
  dismiss(owner: unknown): void {
    this.#waiters.dismiss(owner);
  }

  /** Does what the passing of time has brought about, and returns the time. */
  #catchUp(): number {
    const now = this.#clock.now();
    for (let lease = this.#leases.first; lease !== undefined && lease.until <= now; lease = this.#leases.first) {
      this.#leases.delete(lease);
      this.#schedule(lease.job, lease.until, now);
    }
    for (let job = this.#delayed.first; job !== undefined && job.readyAt <= now; job = this.#delayed.first) {
      this.#delayed.delete(job);
      this.#ready.push(job);
    }
    for (let letter = this.#dead.dropOldest(now); letter !== undefined; letter = this.#dead.dropOldest(now)) {
      this.#ids.delete(letter.id);
    }
    this.#serve(now);
    return now;
  }

  #add(job: NewJob, now: number): Outcome {
    if (this.#ids.has(job.id)) return OK;
    const { maxBodyBytes } = CAPABILITIES;
    // No UTF-16 unit takes more than three bytes of UTF-8: short bodies need not be measured.
    if (3 * job.body.length > maxBodyBytes && Buffer.byteLength(job.body) > maxBodyBytes) {
      const message = `The body has ${Buffer.byteLength(job.body)} bytes; the memory store takes up to ${maxBodyBytes}`;
      return { ok: false, code: 'payload-too-large', message };
    }
    this.#ids.add(job.id);
    this.#place(new StoredJob(job, now, ++this.#sequence), now);
    return OK;
  }

  #take(max: number, leaseMs: number, now: number): JobDelivery[] {
    const until = now + leaseMs;
    const deliveries: JobDelivery[] = [];
    while (deliveries.length < max) {
      const job = this.#ready.pop();
      if (job === undefined) break;
      deliveries.push(this.#handOut(job, until));
    }
    return deliveries;
  }

  #handOut(job: StoredJob, until: number): JobDelivery {
    const receipt = new Lease(job, until);
    this.#leases.push(receipt);
    const attempt = ++job.attempts;
    const { id, body, priority, enqueuedAt, note } = job;
    // What one worker does to its headers must not be seen by the next.
    const headers = { ...job.headers };
    return note === undefined
      ? { kind: 'job', id, body, headers, priority, attempt, enqueuedAt, receipt }
      : { kind: 'job', id, body, headers, priority, attempt, enqueuedAt, receipt, note };
  }

  /** The lease for which a receipt is still good. */
  #leaseOf(receipt: Receipt): Lease | undefined {
    return receipt instanceof Lease && this.#leases.has(receipt) ? receipt : undefined;
  }

  #settleAll(settlements: readonly Settlement[], now: number): Outcome[] {
    const outcomes: Outcome[] = [];
    for (const settlement of settlements) {
      const lease = this.#leaseOf(settlement.receipt);
      if (lease !== undefined) this.#settle(lease, settlement, now);
      outcomes.push(lease === undefined ? LEASE_LOST : OK);
    }
    this.#serve(now);
    return outcomes;
  }

  #settle(lease: Lease, settlement: Settlement, now: number): void {
    const { job } = lease;
    this.#leases.delete(lease);
    switch (settlement.kind) {
      case 'ack':
        this.#ids.delete(job.id);
        break;
      case 'release': {
        const { delayMs = 0, note } = settlement;
        job.attempts--;
        if (note !== undefined) job.note = note;
        if (delayMs > 0) this.#schedule(job, now + delayMs, now);
        else this.#ready.push(job);
        break;
      }
      case 'retry':
        job.note = settlement.note;
        this.#schedule(job, now + settlement.delayMs, now);
        break;
      case 'dead':
        this.#dead.add(letterOf(job, settlement.note, now));
        break;
    }
  }

  /** Gives the job a new place in the order. */
  #schedule(job: StoredJob, readyAt: number, now: number): void {
    job.readyAt = readyAt;
    job.sequence = ++this.#sequence;
    this.#place(job, now);
  }

  #place(job: StoredJob, now: number): void {
    if (job.readyAt > now) this.#delayed.push(job);
    else this.#ready.push(job);
  }

  /** Hands what is ready to those who wait. Belongs after everything that may change what is ready, or when. */
  #serve(now: number): void {
    if (this.#waiters.size === 0) return;
    for (const waiter of this.#waiters) {
      if (this.#ready.size === 0) break;
      const { signal, max, leaseMs } = waiter.request;
      // Whoever heard of the abort before us may have added a job just now.
      waiter.answer(signal.aborted ? [] : this.#take(max, leaseMs, now));
    }
    if (this.#waiters.size === 0) return;
    this.#alarm.setFor(Math.min(this.#delayed.first?.readyAt ?? Infinity, this.#leases.first?.until ?? Infinity), now);
  }
}
