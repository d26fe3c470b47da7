import type { JobCounts, NewJob } from '@switchyard/queue-api';

/** What a hand-out shows: enough to tell any two of them apart. */
export interface Handed {
  readonly id: string;
  readonly attempt: number;
  readonly note: string | undefined;
}

/** A receipt of the model. */
export interface Token {
  readonly id: string;
}

interface NaiveSettlement {
  readonly kind: 'ack' | 'release' | 'retry' | 'dead';
  readonly delayMs?: number;
  readonly note?: string;
}

interface NaiveJob {
  readonly id: string;
  readonly priority: number;
  state: 'queued' | 'leased' | 'dead';
  readyAt: number;
  place: number;
  attempts: number;
  note: string | undefined;
  token: Token | undefined;
  /** When its lease ends, or when it died. */
  at: number;
}

interface NaiveWaiter {
  readonly name: number;
  readonly max: number;
  readonly leaseMs: number;
  readonly until: number;
}

/**
 * The rules of the store as plainly as they can be written: one list of jobs, searched and sorted every time, and a
 * clock that ticks every half millisecond and lets nothing pass unnoticed.
 */
export class NaiveQueue {
  readonly #caps: { readonly maxAgeMs: number; readonly maxCount: number };
  #now = 0;
  #places = 0;
  #jobs: NaiveJob[] = [];
  #waiters: NaiveWaiter[] = [];
  /** Every hand-out so far, and to which waiter, in order. */
  readonly handed: { handed: Handed; token: Token; waiter: number | undefined }[] = [];
  /** The waiters that were answered, in order. */
  readonly answered: number[] = [];

  constructor(caps: { readonly maxAgeMs: number; readonly maxCount: number }) {
    this.#caps = caps;
  }

  advance(ms: number): void {
    for (let tick = 0; tick < 2 * ms; tick++) {
      this.#now += 0.5;
      this.settleDown();
    }
  }

  enqueue(jobs: readonly NewJob[]): void {
    for (const { id, priority, delayMs } of jobs) {
      if (this.#jobs.some(job => job.id === id)) continue;
      const readyAt = this.#now + delayMs;
      const place = this.#places++;
      this.#jobs.push({
        id,
        priority,
        state: 'queued',
        readyAt,
        place,
        attempts: 0,
        note: undefined,
        token: undefined,
        at: 0,
      });
    }
    this.settleDown();
  }

  reserve(max: number, leaseMs: number): void {
    this.#take(max, leaseMs, undefined);
  }

  wait(name: number, max: number, leaseMs: number, waitMs: number): void {
    this.#waiters.push({ name, max, leaseMs, until: this.#now + waitMs });
    this.settleDown();
  }

  giveUp(name: number): void {
    if (!this.#waiters.some(waiter => waiter.name === name)) return;
    this.#waiters = this.#waiters.filter(waiter => waiter.name !== name);
    this.answered.push(name);
  }

  /** Without what follows from it: a batch is settled as a whole before anybody gets anything. */
  settle(token: Token | undefined, { kind, delayMs = 0, note }: NaiveSettlement): boolean {
    const job = this.#holder(token);
    if (job === undefined) return false;
    job.token = undefined;
    if (note !== undefined) job.note = note;
    if (kind === 'ack') this.#jobs = this.#jobs.filter(other => other !== job);
    if (kind === 'dead') Object.assign(job, { state: 'dead', at: this.#now, place: this.#places++ });
    if (kind === 'release') Object.assign(job, { state: 'queued', attempts: job.attempts - 1 });
    if (kind === 'retry' || delayMs > 0) this.#queueUp(job, this.#now + delayMs);
    return true;
  }

  extend(token: Token | undefined, leaseMs: number): boolean {
    const job = this.#holder(token);
    if (job === undefined) return false;
    job.at = this.#now + leaseMs;
    return true;
  }

  counts(): JobCounts {
    const count = (test: (job: NaiveJob) => boolean) => this.#jobs.filter(test).length;
    return {
      waiting: this.#ready().length,
      delayed: count(job => job.state === 'queued' && job.readyAt > this.#now),
      active: count(job => job.state === 'leased'),
      dead: count(job => job.state === 'dead'),
    };
  }

  /**
   * Leases that ended are queued, old letters dropped, those who wait are served, and those whose time is up leave.
   * To be called after a batch of {@link settle} or {@link extend}.
   */
  settleDown(): void {
    const ended = this.#jobs.filter(job => job.state === 'leased' && job.at <= this.#now);
    for (const job of ended.toSorted((a, b) => a.at - b.at || a.place - b.place)) {
      job.token = undefined;
      this.#queueUp(job, job.at);
    }
    const dead = this.#jobs.filter(job => job.state === 'dead').toSorted((a, b) => a.place - b.place);
    const tooMany = dead.length - this.#caps.maxCount;
    const dropped = dead.filter((job, n) => n < tooMany || job.at + this.#caps.maxAgeMs <= this.#now);
    this.#jobs = this.#jobs.filter(job => !dropped.includes(job));
    for (const { name, max, leaseMs, until } of this.#waiters) {
      const served = this.#take(max, leaseMs, name) > 0;
      if (served || until <= this.#now) this.giveUp(name);
    }
  }

  #holder(token: Token | undefined): NaiveJob | undefined {
    return token && this.#jobs.find(job => job.token === token);
  }

  #queueUp(job: NaiveJob, readyAt: number): void {
    Object.assign(job, { state: 'queued', readyAt, place: this.#places++ });
  }

  #ready(): NaiveJob[] {
    return this.#jobs
      .filter(job => job.state === 'queued' && job.readyAt <= this.#now)
      .toSorted((a, b) => a.priority - b.priority || a.readyAt - b.readyAt || a.place - b.place);
  }

  #take(max: number, leaseMs: number, waiter: number | undefined): number {
    const taken = this.#ready().slice(0, max);
    for (const job of taken) {
      const token = { id: job.id };
      Object.assign(job, { state: 'leased', token, at: this.#now + leaseMs, attempts: job.attempts + 1 });
      this.handed.push({ handed: { id: job.id, attempt: job.attempts, note: job.note }, token, waiter });
    }
    return taken.length;
  }
}
