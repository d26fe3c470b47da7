import {
  type Delivery,
  type ExchangeRequest,
  type ExchangeResult,
  type JobCounts,
  type NewJob,
  type Outcome,
  QueueUnavailableError,
  type Receipt,
  type ReserveRequest,
  type Settlement,
  type StoreQueue,
} from '@switchyard/queue-api';
import { CAPABILITIES } from './capabilities.ts';
import type { Database, Row, Statement } from './database.ts';
import { writeEnvelope } from './envelope.ts';
import { type Lease, leaseKey, readReply, type Reply, settlementArrays } from './exchange-call.ts';
import { inTime } from './in-time.ts';
import { Sleepers } from './sleepers.ts';
import type { Statements } from './sql/statements.ts';
import type { WakeUps } from './wake-ups.ts';

export interface PostgresQueueOptions {
  /** What pg-boss calls it. */
  readonly name: string;
  readonly statements: Statements;
  readonly database: Database;
  readonly wakeUps: WakeUps;
  readonly deadLetterMaxAgeMs: number;
  readonly onClose: () => void;
}

const OK: Outcome = Object.freeze({ ok: true });
const LEASE_LOST: Outcome = Object.freeze({ ok: false, code: 'lease-lost' });
const UNKNOWN: Outcome = Object.freeze({ ok: false, code: 'unknown-outcome' });

/** PostgreSQL answers soon or not at all. */
const CALL_TIMEOUT_MS = 10_000;
/** A request that is under way when its signal aborts may take so long; what it brings later is given back. */
const ABORT_GRACE_MS = 80;
/** How often to look for jobs in any case: a message that says that there is one can be lost. */
const LOOK_ANYWAY_MS = 10_000;
/** How often where nobody can tell that there is one. */
const LOOK_OFTEN_MS = 1000;
/** How soon to look again for a job that somebody else has locked. */
const LOCKED_MS = 20;
/** How often a busy queue takes back what others have not settled in time. */
const TAKE_BACK_EVERY_MS = 1000;
/** Bytes of jobs that one statement takes. */
const MOST_BYTES = 16 * 1024 * 1024;

/** One opened queue: the statements of `sql/` behind the adapter contract. */
export class PostgresQueue implements StoreQueue {
  readonly #options: PostgresQueueOptions;
  /** Jobs are numbered where they are stored: two calls at once must not overtake each other. */
  readonly #adding: Pick<Database, 'run'>;
  readonly #sleepers = new Sleepers();
  readonly #calls = new Set<Promise<unknown>>();
  #tookBackAt = performance.now();
  #stopListening: (() => void) | undefined;
  #closed: Promise<void> | undefined;

  constructor(options: PostgresQueueOptions) {
    this.#options = options;
    this.#adding = options.database.lane();
  }

  async enqueue(jobs: readonly NewJob[], { timeoutMs }: { readonly timeoutMs: number }): Promise<Outcome[]> {
    this.#checkOpen();
    const end = performance.now() + timeoutMs;
    const outcomes: Outcome[] = [];
    let batch: NewJob[] = [];
    let bytes = 0;
    for (const job of jobs) {
      const size = Buffer.byteLength(job.body);
      const tooLarge = size > CAPABILITIES.maxBodyBytes;
      outcomes.push(tooLarge ? refuseSize(size) : OK);
      if (tooLarge) continue;
      if (bytes > 0 && bytes + size > MOST_BYTES) {
        // One after the other keeps their order; a failure speaks for all, and those that were stored are known by their ids.
        await this.#store(batch, end - performance.now());
        batch = [];
        bytes = 0;
      }
      bytes += size;
      batch.push(job);
    }
    if (batch.length > 0) await this.#store(batch, end - performance.now());
    // Who waits in this very process need not be told.
    this.#sleepers.wake(Math.min(...batch.map(({ delayMs }) => delayMs)));
    return outcomes;
  }

  async reserve({ max, leaseMs, waitMs, signal }: ReserveRequest): Promise<readonly Delivery[]> {
    const { wakeUps, name } = this.#options;
    const end = performance.now() + waitMs;
    if (waitMs > 0) this.#stopListening ??= wakeUps.listen(name, inMs => this.#sleepers.wake(inMs));
    let hasTakenBack = false;
    for (;;) {
      this.#checkOpen();
      if (signal.aborted) return [];
      const { wakes } = this.#sleepers;
      const found = await this.#lease(max, leaseMs, signal);
      if (found === undefined || found.deliveries.length > 0) return found?.deliveries ?? [];
      if (found.lapseInMs <= 0 && !hasTakenBack) {
        hasTakenBack = true;
        await this.#takeBack();
        continue;
      }
      const left = end - performance.now();
      if (left <= 0) return [];
      hasTakenBack = false;
      // A lease that somebody takes from now on ends no sooner than after the length of a lease, if all are of the same.
      const lookAgain = wakeUps.hears(name) ? LOOK_ANYWAY_MS : LOOK_OFTEN_MS;
      const next = Math.min(found.readyInMs, found.lapseInMs);
      // What is there and was not got is locked, by who takes it or by who locks the table.
      const ms = Math.min(left, leaseMs, next > 0 ? next : LOCKED_MS, lookAgain);
      await this.#sleepers.sleep(ms, wakes, signal);
      // Whoever asks next looks at once: a last look would be one too many.
      const isOver = performance.now() >= end && wakes === this.#sleepers.wakes;
      if (isOver || this.#closed !== undefined) return [];
    }
  }

  async settle(settlements: readonly Settlement[], options: { readonly timeoutMs: number }): Promise<Outcome[]> {
    const { outcomes } = await this.exchange(settlements, { max: 0, leaseMs: 0, ...options });
    return outcomes;
  }

  async exchange(
    settlements: readonly Settlement[],
    { max, leaseMs, timeoutMs }: ExchangeRequest,
  ): Promise<ExchangeResult & { outcomes: Outcome[] }> {
    this.#checkOpen();
    const call = this.#exchange(settlements, max, leaseMs, timeoutMs);
    const reply = await inTime('exchange', timeoutMs, call, late => this.#giveBack(late.deliveries));
    const outcomes = settlements.map(({ receipt }) => {
      const key = leaseKey(receipt as Lease);
      if (reply.settled.has(key)) return OK;
      return reply.unknown.has(key) ? UNKNOWN : LEASE_LOST;
    });
    return { outcomes, deliveries: reply.deliveries };
  }

  async extend(
    receipts: readonly Receipt[],
    leaseMs: number,
    { timeoutMs }: { readonly timeoutMs: number },
  ): Promise<Outcome[]> {
    this.#checkOpen();
    const held = await inTime('extend', timeoutMs, this.#extend(receipts as readonly Lease[], leaseMs, timeoutMs));
    return receipts.map(receipt => (held.has(receipt) ? OK : LEASE_LOST));
  }

  async counts(): Promise<JobCounts> {
    this.#checkOpen();
    const { statements, name } = this.#options;
    const call = this.#run(statements.counts, [name], CALL_TIMEOUT_MS);
    const [row] = await inTime('counts', CALL_TIMEOUT_MS, call);
    const [waiting, delayed, active, dead] = row as [number, number, number, number];
    return { waiting, delayed, active, dead };
  }

  close({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    this.#closed ??= this.#end(timeoutMs);
    return this.#closed;
  }

  async #end(timeoutMs: number): Promise<void> {
    this.#stopListening?.();
    this.#sleepers.end();
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    // What is under way may bring jobs, and giving them back is a call of its own.
    const settled = async () => {
      while (this.#calls.size > 0) await Promise.allSettled(this.#calls);
    };
    await Promise.race([settled(), late]);
    clearTimeout(timer);
    this.#options.onClose();
  }

  #checkOpen(): void {
    if (this.#closed === undefined) return;
    throw new QueueUnavailableError('not-stored', `Queue ${this.#options.name} of the PostgreSQL store is closed`);
  }

  async #store(jobs: readonly NewJob[], timeoutMs: number): Promise<void> {
    const { statements, name, wakeUps, deadLetterMaxAgeMs } = this.#options;
    const values = [
      name,
      jobs.map(({ id }) => id),
      jobs.map(({ priority }) => -priority),
      jobs.map(({ delayMs }) => delayMs),
      jobs.map(writeEnvelope),
      Math.max(1, Math.ceil(deadLetterMaxAgeMs / 1000)),
      ...wakeUps.address(name),
    ];
    await inTime('enqueue', timeoutMs, this.#track(this.#adding.run(statements.enqueue, values, timeoutMs)));
  }

  /** Looks once. Answers soon after `signal` aborts, with nothing. */
  async #lease(max: number, leaseMs: number, signal: AbortSignal): Promise<Reply | undefined> {
    const call = this.#look(max, leaseMs, CALL_TIMEOUT_MS);
    let given = false;
    const aborted = Promise.withResolvers<undefined>();
    const onAbort = () => setTimeout(aborted.resolve, ABORT_GRACE_MS, undefined);
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      const reply = await Promise.race([inTime('reserve', CALL_TIMEOUT_MS, call), aborted.promise]);
      if (reply === undefined || this.#closed !== undefined) return undefined;
      given = true;
      return reply;
    } finally {
      signal.removeEventListener('abort', onAbort);
      // Whenever it answers: nobody waits for it any more.
      if (!given) call.then(late => this.#giveBack(late.deliveries)).catch(() => {});
    }
  }

  /** Leases what is ready, wherever it is. */
  async #look(max: number, leaseMs: number, timeoutMs: number): Promise<Reply> {
    const { statements, name } = this.#options;
    return readReply(await this.#run(statements.lease, [name, max, leaseMs], timeoutMs));
  }

  async #exchange(settlements: readonly Settlement[], max: number, leaseMs: number, timeoutMs: number): Promise<Reply> {
    const reply = await this.#exchangeAtFront(settlements, max, leaseMs, timeoutMs);
    if (reply.deliveries.length > 0 || !reply.hasMoreBehind) return reply;
    // What was settled is, also where the second look fails.
    const found = await this.#look(max, leaseMs, timeoutMs).catch(() => reply);
    return { ...reply, deliveries: found.deliveries };
  }

  async #exchangeAtFront(
    settlements: readonly Settlement[],
    max: number,
    leaseMs: number,
    timeoutMs: number,
  ): Promise<Reply> {
    const { statements, name, wakeUps } = this.#options;
    // A busy queue is never found empty, which is when others look for leases that have ended.
    if (settlements.length > 0 && max > 0 && performance.now() - this.#tookBackAt > TAKE_BACK_EVERY_MS)
      this.#takeBack().catch(() => {});
    const send = async (some: readonly Settlement[], most: number) => {
      const { done, back } = settlementArrays(some);
      const values = [name, ...done, most, leaseMs];
      return readReply(
        await (back[0].length === 0
          ? this.#run(statements.exchange, values, timeoutMs)
          : this.#run(statements.exchangeAll, [...values, ...back, ...wakeUps.address(name)], timeoutMs)),
      );
    };
    const sent = placesOf(settlements.map(({ receipt }) => receipt as Lease));
    const reply = await send(settlements, max);
    const missed = settlements.filter(({ receipt }) => !reply.settled.has(leaseKey(receipt as Lease)));
    if (missed.length === 0) return reply;
    try {
      const moved = await this.#findMoved(
        missed.map(({ receipt }) => receipt as Lease),
        sent,
        timeoutMs,
      );
      if (moved.size === 0) return reply;
      const again = await send(
        missed.filter(({ receipt }) => moved.has(receipt)),
        0,
      );
      return { ...reply, settled: new Set([...reply.settled, ...again.settled]) };
    } catch {
      // What was settled is, and what was leased must arrive.
      return { ...reply, unknown: new Set(missed.map(({ receipt }) => leaseKey(receipt as Lease))) };
    }
  }

  async #extend(leases: readonly Lease[], leaseMs: number, timeoutMs: number): Promise<ReadonlySet<unknown>> {
    const { statements } = this.#options;
    const held = new Set<Lease>();
    const send = async (some: readonly Lease[]) => {
      const values = [
        some.map(({ place }) => place),
        some.map(({ id }) => id),
        some.map(({ token }) => token),
        leaseMs,
      ];
      const rows = (await this.#run(statements.extend, values, timeoutMs)) as [string, number, string][];
      const places = new Map(rows.map(([id, token, place]) => [leaseKey({ id, token }), place]));
      for (const lease of some) {
        const place = places.get(leaseKey(lease));
        if (place === undefined) continue;
        lease.place = place;
        held.add(lease);
      }
    };
    const sent = placesOf(leases);
    await send(leases);
    const moved = await this.#findMoved(
      leases.filter(lease => !held.has(lease)),
      sent,
      timeoutMs,
    );
    if (moved.size > 0) await send(leases.filter(lease => moved.has(lease)));
    return held;
  }

  async #takeBack(): Promise<void> {
    const { statements, name, wakeUps } = this.#options;
    this.#tookBackAt = performance.now();
    await this.#run(statements.takeBack, [name, ...wakeUps.address(name)], CALL_TIMEOUT_MS);
  }

  /** Those whose rows are still there, but not where they were when they were sent; they know where from here on. */
  async #findMoved(
    leases: readonly Lease[],
    sent: ReadonlyMap<Lease, string>,
    timeoutMs: number,
  ): Promise<ReadonlySet<unknown>> {
    const { statements, name } = this.#options;
    const moved = new Set<Lease>();
    if (leases.length === 0) return moved;
    const rows = await this.#run(statements.findPlaces, [name, leases.map(({ id }) => id)], timeoutMs);
    const places = new Map(rows as [string, string][]);
    for (const lease of leases) {
      const place = places.get(lease.id);
      if (place === undefined || place === sent.get(lease)) continue;
      lease.place = place;
      moved.add(lease);
    }
    return moved;
  }

  /** Their leases end by themselves if this fails too. */
  #giveBack(deliveries: readonly Delivery[]): void {
    if (deliveries.length === 0) return;
    const released = deliveries.map(({ receipt }) => ({ kind: 'release', receipt }) as const);
    this.#exchange(released, 0, 0, CALL_TIMEOUT_MS).catch(() => {});
  }

  #run(statement: Statement, values: unknown[], timeoutMs: number): Promise<Row[]> {
    return this.#track(this.#options.database.run(statement, values, timeoutMs));
  }

  #track(call: Promise<Row[]>): Promise<Row[]> {
    const forget = () => void this.#calls.delete(call);
    this.#calls.add(call);
    call.then(forget, forget);
    return call;
  }
}

function placesOf(leases: readonly Lease[]): ReadonlyMap<Lease, string> {
  return new Map(leases.map(lease => [lease, lease.place]));
}

function refuseSize(size: number): Outcome {
  const message = `The body has ${size} bytes; the PostgreSQL store takes up to ${CAPABILITIES.maxBodyBytes}`;
  return { ok: false, code: 'payload-too-large', message };
}
