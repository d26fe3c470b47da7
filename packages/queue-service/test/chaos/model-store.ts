import type {
  Delivery,
  ExchangeResult,
  JobCounts,
  NewJob,
  Outcome,
  Receipt,
  ReserveRequest,
  Settlement,
} from '@switchyard/queue-api';
import type { Clock } from '../../src/engine/clock.ts';

interface Lease {
  readonly job: ModelJob;
  until: number;
}

export interface ModelJob extends NewJob {
  readonly enqueuedAt: number;
  state: 'waiting' | 'leased' | 'done' | 'dead';
  readyAt: number;
  attempts: number;
  note: string | undefined;
}

/** What a store must be, in as few words as possible. The engine is tried on top of it, behind faults. */
export class ModelStore {
  readonly jobs = new Map<string, ModelJob>();
  /** Told of everything that happens to a job. */
  onSettled: (job: ModelJob, settlement: Settlement) => void = () => {};
  readonly #clock: Clock;
  readonly #leases = new Map<Receipt, Lease>();
  readonly #waiters = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get unfinished(): readonly ModelJob[] {
    return [...this.jobs.values()].filter(({ state }) => state === 'waiting' || state === 'leased');
  }

  enqueue(jobs: readonly NewJob[]): Outcome[] {
    const now = this.#clock.now();
    return jobs.map(job => {
      if (!this.jobs.has(job.id)) {
        const readyAt = now + job.delayMs;
        this.jobs.set(job.id, { ...job, enqueuedAt: now, state: 'waiting', readyAt, attempts: 0, note: undefined });
        this.#wake();
      }
      return { ok: true };
    });
  }

  async reserve({ max, leaseMs, waitMs, signal }: ReserveRequest): Promise<Delivery[]> {
    const end = this.#clock.now() + waitMs;
    for (;;) {
      const taken = this.take(max, leaseMs);
      const left = end - this.#clock.now();
      if (taken.length > 0 || left <= 0 || signal.aborted) return taken;
      await this.#change(Math.min(left, this.#nextChange()), signal);
    }
  }

  settle(settlements: readonly Settlement[]): Outcome[] {
    return settlements.map(settlement => {
      const lease = this.#leaseOf(settlement.receipt);
      if (lease === undefined) return { ok: false, code: 'lease-lost' };
      this.#leases.delete(settlement.receipt);
      this.#apply(lease.job, settlement);
      this.onSettled(lease.job, settlement);
      return { ok: true };
    });
  }

  exchange(settlements: readonly Settlement[], max: number, leaseMs: number): ExchangeResult {
    return { outcomes: this.settle(settlements), deliveries: this.take(max, leaseMs) };
  }

  extend(receipts: readonly Receipt[], leaseMs: number): Outcome[] {
    return receipts.map(receipt => {
      const lease = this.#leaseOf(receipt);
      if (lease === undefined) return { ok: false, code: 'lease-lost' };
      lease.until = this.#clock.now() + leaseMs;
      return { ok: true };
    });
  }

  counts(): JobCounts {
    const active = [...this.jobs.values()].filter(({ state }) => state === 'leased').length;
    return { waiting: this.unfinished.length - active, delayed: 0, active };
  }

  take(max: number, leaseMs: number): Delivery[] {
    const now = this.#clock.now();
    for (const receipt of this.#leases.keys()) this.#leaseOf(receipt);
    const ready = [...this.jobs.values()].filter(({ state, readyAt }) => state === 'waiting' && readyAt <= now);
    ready.sort((a, b) => a.priority - b.priority || a.readyAt - b.readyAt);
    return ready.slice(0, max).map(job => {
      const receipt = Symbol(job.id);
      this.#leases.set(receipt, { job, until: now + leaseMs });
      job.state = 'leased';
      job.attempts++;
      const { id, body, headers, priority, enqueuedAt, note } = job;
      const delivery = {
        kind: 'job',
        id,
        body,
        headers,
        priority,
        enqueuedAt,
        attempt: job.attempts,
        receipt,
      } as const;
      return note === undefined ? delivery : { ...delivery, note };
    });
  }

  /** Ends leases before their time, as a store that was restarted may. */
  dropLeases(which: () => boolean): void {
    for (const lease of this.#leases.values()) if (which()) lease.until = this.#clock.now();
    this.#wake();
  }

  #leaseOf(receipt: Receipt): Lease | undefined {
    const lease = this.#leases.get(receipt);
    if (lease === undefined || lease.until > this.#clock.now()) return lease;
    this.#leases.delete(receipt);
    lease.job.state = 'waiting';
    lease.job.readyAt = lease.until;
    return undefined;
  }

  #apply(job: ModelJob, settlement: Settlement): void {
    job.state = settlement.kind === 'ack' ? 'done' : settlement.kind === 'dead' ? 'dead' : 'waiting';
    if (settlement.kind === 'release') job.attempts--;
    if (settlement.kind !== 'ack' && settlement.note !== undefined) job.note = settlement.note;
    if (settlement.kind === 'release' || settlement.kind === 'retry') {
      job.readyAt = this.#clock.now() + (settlement.delayMs ?? 0);
    }
    this.#wake();
  }

  #nextChange(): number {
    const now = this.#clock.now();
    let next = Number.POSITIVE_INFINITY;
    for (const { state, readyAt } of this.jobs.values()) if (state === 'waiting') next = Math.min(next, readyAt - now);
    for (const { until } of this.#leases.values()) next = Math.min(next, until - now);
    return Math.max(1, next);
  }

  #change(withinMs: number, signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const end = () => {
        timer.cancel();
        signal.removeEventListener('abort', end);
        this.#waiters.delete(end);
        resolve();
      };
      const timer = this.#clock.setTimeout(end, withinMs);
      signal.addEventListener('abort', end);
      this.#waiters.add(end);
    });
  }

  #wake(): void {
    for (const wake of this.#waiters) wake();
  }
}
