import {
  type Delivery,
  type DLQHandler,
  isQueueError,
  JobCrashedError,
  type JobDelivery,
  LeaseLostError,
  type ProcessHandler,
  type QueueErrorCode,
  type Receipt,
  type Settlement,
  type StandardSchemaV1,
  type StoreCapabilities,
  type UnreadableDelivery,
  UnreadableJobError,
} from '@switchyard/queue-api';
import { Attempt } from './attempt.ts';
import { type Random, retryDelay } from './backoff.ts';
import type { Clock } from './clock.ts';
import type { Emitter } from './emitter.ts';
import { intake } from './intake.ts';
import { isReadableVersion, maxAttemptsOf } from './job-headers.ts';
import { LeaseKeeper } from './lease-keeper.ts';
import type { OutboxEntry } from './outbox.ts';
import { Pump } from './pump.ts';
import type { RunResult } from './run-result.ts';
import { Runner } from './runner.ts';
import type { Slots } from './slots.ts';
import type { StoreLink } from './store-link.ts';
import { SuspectGate } from './suspect-gate.ts';
import type { SuspectRoom } from './suspect-room.ts';
import { failureNote, obituary } from './failure-notes.ts';
import { toError } from './to-error.ts';
import { withinTime } from './within-time.ts';

export interface ConsumerOptions {
  readonly queue: string;
  readonly link: StoreLink;
  readonly slots: Slots;
  readonly suspectRoom: SuspectRoom;
  readonly clock: Clock;
  readonly random: Random;
  readonly emitter: Emitter;
  readonly handler: ProcessHandler;
  readonly dlqHandler: DLQHandler | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  readonly concurrency: number;
  readonly prefetch: number;
  readonly timeoutMs: number | undefined;
  readonly maxAttempts: number;
  readonly leaseMs: number;
  /** Trouble that is neither a job's own failure nor the store's. */
  readonly onError: (error: Error, jobId?: string) => void;
}

/** Handlers whose signal aborted at shutdown get this long to notice. */
const SHUTDOWN_GRACE_MS = 1000;
/** How long `stop` waits for the store to take the last settlements. */
const FLUSH_TIMEOUT_MS = 3000;

/**
 * The worker of one queue: what the pump brings it runs in slots, and how each run ended it hands back to the pump.
 *
 * Invariants: (1) every delivery ends in exactly one settlement, or in a lease that runs out; (2) nothing is started
 * once picking up has stopped; (3) a job that runs here is not started here again; (4) every wait has an end, whatever
 * the store or a handler does, so `stop` always returns.
 */
export class Consumer {
  readonly #options: ConsumerOptions;
  readonly #pump: Pump;
  readonly #runner: Runner;
  readonly #leases: LeaseKeeper;
  readonly #suspects: SuspectGate;
  /** Leased, and waiting for a free slot. */
  readonly #buffer: Attempt[] = [];

  constructor(options: ConsumerOptions) {
    this.#options = options;
    const { clock, random, link, leaseMs, slots, concurrency } = options;
    this.#suspects = new SuspectGate(clock, options.suspectRoom);
    this.#leases = new LeaseKeeper({
      link,
      clock,
      leaseMs,
      held: () => this.#held(),
      onLost: (attempt, error) => this.#leaseLost(attempt, error),
    });
    this.#pump = new Pump({
      link,
      clock,
      random,
      leaseMs,
      capacity: concurrency + options.prefetch,
      startWaiting: () => this.#startWaiting(),
      room: () => this.#freeSlots() - this.#buffer.length + (this.#suspects.prefetchAllowed ? options.prefetch : 0),
      onDeliveries: (deliveries, leasedAt) => this.#receive(deliveries, leasedAt),
      onLateDeliveries: deliveries => this.#giveBack(deliveries),
      onDone: entry => this.#settled(entry),
      onLost: (entry, code) => this.#settlementLost(entry, code),
    });
    this.#runner = new Runner({
      ...options,
      mayStart: () => this.#pump.fetching,
      isLastAttempt: ({ delivery }) => delivery.attempt >= (maxAttemptsOf(delivery.headers) ?? options.maxAttempts),
      onStart: attempt => this.#started(attempt),
      onResult: (attempt, result) => this.#result(attempt, result),
      onLeave: attempt => this.#suspects.left(attempt),
      onStuck: (attempt, cause) =>
        this.#complain('ignores its signal and keeps its slot until it returns', attempt, cause),
      onDlqHandlerError: (attempt, cause) =>
        this.#complain('failed in its dlqHandler: it goes to the dead letters', attempt, cause),
    });
    slots.onFree = () => this.#pump.schedule();
  }

  get lastSuccessfulPoll(): number | undefined {
    return this.#pump.lastSuccessfulPoll;
  }

  /** Starts picking up, or starts again after a pause. */
  start(): void {
    this.#pump.startFetching();
  }

  /** Stops picking up; resolves once nothing more will start. Running handlers go on. */
  async pause(): Promise<void> {
    await this.#stopFetching();
    await this.#pump.standby();
  }

  /**
   * Stops picking up, waits up to `timeoutMs` for running handlers, aborts those that are left and hands their jobs
   * back. Takes a few seconds longer at most, and never rejects.
   */
  async stop(timeoutMs: number): Promise<void> {
    const { clock, slots, onError } = this.#options;
    const stopped = this.#stopFetching();
    // Others are to have what the driver holds while handlers end here.
    void stopped.then(() => this.#pump.standby());
    if (!(await withinTime(clock, timeoutMs, slots.empty()))) {
      this.#runner.abortAll();
      await withinTime(clock, SHUTDOWN_GRACE_MS, slots.empty());
      this.#runner.abandonAll();
    }
    await stopped;
    const { outbox } = this.#pump;
    if (!(await withinTime(clock, FLUSH_TIMEOUT_MS, outbox.idle()))) {
      onError(
        new Error(`${outbox.size} jobs could not be settled before the end: they run again once their leases end`),
      );
    }
    this.#pump.end();
    this.#leases.stop();
  }

  async #stopFetching(): Promise<void> {
    const stopped = this.#pump.stopFetching();
    const waiting = this.#suspects.dismissWaiting();
    for (const attempt of this.#buffer.splice(0)) this.#handBack(attempt);
    if (waiting !== undefined) this.#handBack(waiting);
    await stopped;
  }

  /** What this worker has on lease: what runs, what waits to run, and what waits to be settled. */
  *#held(): Iterable<Attempt> {
    for (const attempt of this.#options.slots.attempts()) if (!attempt.detached) yield attempt;
    yield* this.#buffer;
    if (this.#suspects.waiting !== undefined) yield this.#suspects.waiting;
    yield* this.#pump.outbox.attempts();
  }

  #capabilities(): StoreCapabilities {
    const store = this.#pump.store?.store;
    if (store === undefined) throw new Error('unreachable: a delivery without a store');
    return store.capabilities;
  }

  #freeSlots(): number {
    return this.#options.concurrency - this.#options.slots.size - (this.#suspects.waiting === undefined ? 0 : 1);
  }

  #startWaiting(): boolean {
    let started = false;
    if (this.#suspects.waiting !== undefined && this.#options.slots.size < this.#options.concurrency) {
      const suspect = this.#suspects.startWaiting(() => this.#pump.schedule());
      if (suspect !== undefined) this.#start(suspect);
      started = suspect !== undefined;
    }
    while (this.#buffer.length > 0 && this.#freeSlots() > 0) {
      this.#start(this.#buffer.shift() as Attempt);
      started = true;
    }
    return started;
  }

  #start(attempt: Attempt): void {
    if (!this.#options.slots.has(attempt.delivery.id)) {
      this.#runner.start(attempt);
      return;
    }
    // Both hand-outs of it were waiting here, one of them with a lease that is lost.
    this.#suspects.left(attempt);
    this.#put(this.#releaseOfBusy(attempt.delivery.receipt), attempt);
  }

  #receive(deliveries: readonly Delivery[], leasedAt: number): void {
    for (const delivery of deliveries) {
      try {
        if (delivery.kind === 'job') this.#take(delivery, leasedAt + this.#options.leaseMs);
        else this.#buryUnreadable(delivery);
      } catch (error) {
        // It is not what the contract says; its neighbours are. The lease brings it back.
        this.#options.onError(toError(error));
      }
    }
  }

  #giveBack(deliveries: readonly Delivery[]): void {
    for (const delivery of deliveries) {
      if (delivery.kind === 'job') this.#put({ receipt: delivery.receipt, kind: 'release' });
      else this.#buryUnreadable(delivery);
    }
  }

  #buryUnreadable({ receipt, why }: UnreadableDelivery): void {
    this.#bury(receipt, undefined, new UnreadableJobError(`A message is not a job: ${why}`));
  }

  /** A job whose handler is still busy with it here, although the store gave it out again. */
  #releaseOfBusy(receipt: Receipt): Settlement {
    const { random } = this.#options;
    return { receipt, kind: 'release', delayMs: retryDelay(1, random, this.#capabilities()) };
  }

  #take(delivery: JobDelivery, leaseUntil: number): void {
    const { maxAttempts, random, onError, slots } = this.#options;
    const { receipt, id } = delivery;
    const capabilities = this.#capabilities();
    if (!this.#pump.fetching) {
      this.#put({ receipt, kind: 'release' });
      return;
    }
    if (slots.has(id)) {
      this.#put(this.#releaseOfBusy(receipt));
      return;
    }
    if (!isReadableVersion(delivery.headers)) {
      this.#bury(receipt, delivery, new UnreadableJobError(`Job ${id} was written by a newer version of Switchyard`));
      return;
    }
    const plan = intake(delivery, { maxAttempts, capabilities, random });
    if (plan.do === 'hand-back') {
      this.#put({ receipt, kind: 'release', delayMs: plan.delayMs, note: plan.note });
      onError(
        new JobCrashedError(`Job ${id} came back without a result: its worker died or stalled`, { jobId: id }),
        id,
      );
      return;
    }
    const attempt = new Attempt(delivery, plan, leaseUntil);
    this.#leases.watch();
    if (plan.do === 'run' && plan.suspect) this.#takeSuspect(attempt);
    else if (this.#buffer.length === 0 && this.#freeSlots() > 0) this.#start(attempt);
    else this.#buffer.push(attempt);
  }

  #takeSuspect(attempt: Attempt): void {
    const delayMs = this.#suspects.admit(attempt, this.#freeSlots() > this.#buffer.length);
    if (delayMs === undefined) this.#pump.schedule();
    else
      this.#put({ receipt: attempt.delivery.receipt, kind: 'release', delayMs }, attempt, undefined, () =>
        this.#suspects.handedBack(),
      );
  }

  /** Straight to the dead letters: there is nothing that could be run. */
  #bury(receipt: Receipt, delivery: JobDelivery | undefined, error: Error): void {
    this.#put({ receipt, kind: 'dead', note: obituary(delivery, error, delivery?.attempt ?? 0) });
    this.#options.onError(error, delivery?.id);
  }

  #handBack(attempt: Attempt): void {
    this.#put({ receipt: attempt.delivery.receipt, kind: 'release' }, attempt);
  }

  #started(attempt: Attempt): void {
    const { emitter, clock } = this.#options;
    attempt.startedAt = clock.now();
    if (emitter.hears('started'))
      emitter.emit('started', { id: attempt.delivery.id, attempt: attempt.delivery.attempt });
  }

  #result(attempt: Attempt, result: RunResult): void {
    if (attempt.lost !== undefined) return;
    const { emitter, clock } = this.#options;
    const { delivery } = attempt;
    const { receipt, id } = delivery;
    switch (result.kind) {
      case 'completed':
        if (!emitter.hears('completed')) this.#put({ receipt, kind: 'ack' }, attempt);
        else {
          const durationMs = clock.now() - (attempt.startedAt ?? clock.now());
          this.#put({ receipt, kind: 'ack' }, attempt, () =>
            emitter.emit('completed', { id, attempt: delivery.attempt, durationMs }),
          );
        }
        return;
      case 'interrupted':
        // What cannot keep its lease must not run for ever: it counts, and waits, like any failure.
        if (attempt.startedAt !== undefined && isQueueError(attempt.abortReason, 'lease-lost')) {
          this.#failed(attempt, attempt.abortReason);
          return;
        }
        // For a hand-out that only asked the dlqHandler there is nothing new to record.
        if (result.error === undefined || attempt.plan.do === 'bury') this.#handBack(attempt);
        // The last attempt failed before: the next hand-out must find that on record and go straight to the dlqHandler.
        else this.#put({ receipt, kind: 'retry', delayMs: 0, note: failureNote(delivery, result.error) }, attempt);
        return;
      case 'failed':
        this.#failed(attempt, result.error);
        return;
      case 'dead': {
        const { error, attempts, handled } = result;
        const settlement: Settlement = handled
          ? { receipt, kind: 'ack' }
          : { receipt, kind: 'dead', note: obituary(delivery, error, attempts) };
        this.#put(settlement, attempt, () => emitter.emit('dead', { id, attempt: attempts, error, parked: !handled }));
      }
    }
  }

  #failed(attempt: Attempt, error: Error): void {
    const { emitter, random } = this.#options;
    const { delivery } = attempt;
    const { receipt, id } = delivery;
    const delayMs = retryDelay(delivery.attempt, random, this.#capabilities());
    this.#put({ receipt, kind: 'retry', delayMs, note: failureNote(delivery, error) }, attempt, () =>
      emitter.emit('retrying', { id, attempt: delivery.attempt, error, delayMs }),
    );
  }

  #leaseLost(attempt: Attempt, error: LeaseLostError): void {
    attempt.abort(error);
    this.#options.onError(error, attempt.delivery.id);
    if (attempt.lost === undefined) return;
    const at = this.#buffer.indexOf(attempt);
    if (at >= 0) this.#buffer.splice(at, 1);
  }

  #complain(what: string, attempt: Attempt, cause: Error): void {
    const { id } = attempt.delivery;
    this.#options.onError(new Error(`Job ${id} ${what}`, { cause }), id);
  }

  /** `onDone`: the store has carried it out. `onEnd`: it has, or never will. */
  #put(settlement: Settlement, attempt?: Attempt, onDone?: () => void, onEnd?: () => void): void {
    this.#pump.outbox.put({ settlement, attempt, onDone, onEnd, uncertain: false, refusals: 0 });
    this.#pump.schedule();
  }

  #settled(entry: OutboxEntry): void {
    if (entry.attempt !== undefined) entry.attempt.settled = true;
    entry.onEnd?.();
    entry.onDone?.();
  }

  #settlementLost({ settlement, attempt, onEnd }: OutboxEntry, code: QueueErrorCode): void {
    if (attempt !== undefined) attempt.settled = true;
    onEnd?.();
    if (attempt?.lost !== undefined) return;
    const id = attempt?.delivery.id;
    const message = `The store did not take the ${settlement.kind} of job ${id ?? '(unreadable)'} (${code})`;
    this.#options.onError(new LeaseLostError(message), id);
  }
}
