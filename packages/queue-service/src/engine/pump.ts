import type { Delivery, QueueError, QueueErrorCode } from '@switchyard/queue-api';
import { type Random, sleep, storeBackoff } from './backoff.ts';
import type { Clock } from './clock.ts';
import { expectList } from './expect-list.ts';
import { Outbox, type OutboxEntry } from './outbox.ts';
import { Soon } from './soon.ts';
import type { OpenQueue, StoreLink } from './store-link.ts';
import { withinTime } from './within-time.ts';

export interface PumpOptions {
  readonly link: StoreLink;
  readonly clock: Clock;
  readonly random: Random;
  readonly leaseMs: number;
  /** Most jobs that may be in hand: slots plus prefetch. */
  readonly capacity: number;
  /** Starts what is leased and has a free slot; returns whether there was any. */
  readonly startWaiting: () => boolean;
  /** Free slots plus prefetch, less what is leased and not started. */
  readonly room: () => number;
  /** Jobs have arrived; `leasedAt` is when their leases began at the earliest. */
  readonly onDeliveries: (deliveries: readonly Delivery[], leasedAt: number) => void;
  /** Jobs have arrived with an answer that nobody waits for any more: there may be no room for them. */
  readonly onLateDeliveries: (deliveries: readonly Delivery[]) => void;
  /** The store has carried out a settlement. */
  readonly onDone: (entry: OutboxEntry) => void;
  /** It never will. */
  readonly onLost: (entry: OutboxEntry, code: QueueErrorCode) => void;
}

/** How long a `reserve` waits at the store; SQS allows no more. */
const WAIT_MS = 20_000;
/** How long the store may take over anything else. */
const CALL_TIMEOUT_MS = 10_000;
/** A `reserve` whose signal aborted is waited for this long; what it brings later is given back then. */
const ABORT_GRACE_MS = 1000;

/**
 * Moves jobs and settlements between a worker and its store.
 *
 * There is no loop that could end or hang, only `#pump()`, which looks at the state and starts every call that makes
 * sense right now. It runs after anything has changed, at most once a turn of the event loop:
 *
 *   room − already asked for = wanted
 *   settlements waiting?  one call: `exchange` when jobs are wanted too, else `settle`
 *   jobs wanted?          exactly one `reserve` that waits at the store; more, that do not wait, only while calls come
 *                         back full
 *
 * Invariants: what is asked for never exceeds the room; nothing is asked for while closed or, after a failure, before
 * its backoff is over; settlements flow in any state; every wait has an end.
 */
export class Pump {
  readonly outbox: Outbox;
  readonly #options: PumpOptions;
  readonly #soon = new Soon(() => this.#pump());
  #store: OpenQueue | undefined;
  #fetching = false;
  #ended = false;
  #connecting = false;
  #abort = new AbortController();
  #settleCalls = 0;
  /** Calls in flight that may bring jobs, and how many those may bring. */
  #fetchCalls = 0;
  #requested = 0;
  #failures = 0;
  #backingOff = false;
  /** The latest answer brought as many jobs as were asked for: there may be more. */
  #full = false;
  #fetchWaiters: (() => void)[] = [];
  #lastSuccessfulPoll: number | undefined;

  constructor(options: PumpOptions) {
    this.#options = options;
    this.outbox = new Outbox({ ...options, onReady: () => this.schedule() });
  }

  /** Whether jobs are being picked up. */
  get fetching(): boolean {
    return this.#fetching;
  }

  /** The store, once it was reached. */
  get store(): OpenQueue | undefined {
    return this.#store;
  }

  get lastSuccessfulPoll(): number | undefined {
    return this.#lastSuccessfulPoll;
  }

  /** Starts picking up, or starts again. */
  startFetching(): void {
    if (this.#fetching || this.#ended) return;
    this.#fetching = true;
    this.#abort = new AbortController();
    if (this.#store === undefined) void this.#connect();
    else this.schedule();
  }

  /** Stops picking up; resolves once no call that could bring jobs is open, or after a second. */
  async stopFetching(): Promise<void> {
    this.#fetching = false;
    this.#abort.abort();
    this.#options.link.givenUp('reserve');
    this.schedule();
    if (this.#fetchCalls === 0) return;
    const settled = new Promise<void>(resolve => void this.#fetchWaiters.push(resolve));
    await withinTime(this.#options.clock, ABORT_GRACE_MS, settled);
  }

  /** Tells the driver that nobody will reserve for now. */
  async standby(): Promise<void> {
    if (this.#store?.queue.standby === undefined) return;
    try {
      await this.#options.link.call('standby', CALL_TIMEOUT_MS, async queue => queue.standby?.());
    } catch {
      // The link has reported it. What the driver still holds comes back when its leases end.
    }
  }

  /** Nothing is sent any more: jobs that arrive from now on come back by the end of their leases. */
  end(): void {
    this.#ended = true;
  }

  /** Looks at the state again, soon. What happens until then leaves in the same call. */
  schedule(): void {
    this.#soon.request();
  }

  async #connect(): Promise<void> {
    // One at a time, however often it is paused and resumed meanwhile.
    if (this.#connecting) return;
    this.#connecting = true;
    const { link, clock, random } = this.#options;
    for (let failures = 1; this.#fetching && this.#store === undefined; failures++) {
      try {
        this.#store = await link.open();
      } catch {
        // The link has reported it.
        await sleep(clock, storeBackoff(failures, random));
      }
    }
    this.#connecting = false;
    this.schedule();
  }

  #pump(): void {
    if (this.#store === undefined || this.#ended) return;
    if (this.#fetching && this.#options.startWaiting()) {
      // Some handlers are done at once. What they and those behind them leave to settle travels in one call.
      this.schedule();
      return;
    }
    this.#sendSettlements(this.#store);
    this.#askForMore(this.#store);
  }

  #wanted({ store }: OpenQueue): number {
    if (!this.#fetching || this.#backingOff) return 0;
    // A store that takes no settlements gets no more jobs out of us either: memory stays bounded.
    const { maxBatch, parallel } = store.capabilities;
    if (this.outbox.size > this.#options.capacity + maxBatch.settle * parallel.settle) return 0;
    return Math.min(this.#options.room() - this.#requested, maxBatch.reserve);
  }

  #sendSettlements(open: OpenQueue): void {
    const { maxBatch, parallel } = open.store.capabilities;
    const exchanges = open.queue.exchange !== undefined;
    // While there are jobs in plenty the room is shared out among the calls: the store works on one while we run another.
    const share = exchanges && this.#full ? Math.ceil(this.#options.capacity / parallel.settle) : Infinity;
    while (this.outbox.hasReady && this.#settleCalls < parallel.settle) {
      const batch = this.outbox.take(Math.min(maxBatch.settle, share));
      const wanted = exchanges ? Math.min(this.#wanted(open), share) : 0;
      if (wanted > 0) this.#exchange(batch, wanted);
      else this.#settle(batch);
    }
  }

  #askForMore(open: OpenQueue): void {
    for (;;) {
      const wanted = this.#wanted(open);
      if (wanted <= 0) return;
      // After a failure the first call does not wait: how the store is shows at once, not when the next job comes.
      if (this.#fetchCalls === 0) this.#reserve(wanted, this.#failures > 0 ? 0 : WAIT_MS);
      else if (this.#full && this.#fetchCalls < open.store.capabilities.parallel.reserve) this.#reserve(wanted, 0);
      else return;
    }
  }

  #reserve(max: number, waitMs: number): void {
    const { link, leaseMs, clock } = this.#options;
    const { signal } = this.#abort;
    const asked = clock.now();
    this.#fetchStarted(max);
    link
      .call(
        'reserve',
        waitMs + CALL_TIMEOUT_MS,
        queue => queue.reserve({ max, leaseMs, waitMs, signal }).then(expectList),
        late => this.#arrivedLate(late),
      )
      .then(
        deliveries => {
          // A lease begins when the store hands the job out: for a call that waited that is about now.
          this.#fetched(max, deliveries, waitMs === 0 ? asked : clock.now());
        },
        () => {
          this.#fetchFailed(max);
        },
      );
  }

  #exchange(batch: readonly OutboxEntry[], max: number): void {
    const { link, leaseMs, clock } = this.#options;
    const asked = clock.now();
    const settlements = batch.map(entry => entry.settlement);
    this.#settleCalls++;
    this.#fetchStarted(max);
    link
      .call(
        'settle',
        CALL_TIMEOUT_MS,
        async queue => {
          // Only called on a queue that has it; a reopened queue is the same driver's.
          const result = await queue.exchange!(settlements, { max, leaseMs, timeoutMs: CALL_TIMEOUT_MS });
          return { outcomes: expectList(result?.outcomes), deliveries: expectList(result?.deliveries) };
        },
        late => this.#arrivedLate(late.deliveries),
      )
      .then(
        ({ outcomes, deliveries }) => {
          this.#settleCalls--;
          this.outbox.answered(batch, outcomes);
          this.#fetched(max, deliveries, asked);
        },
        (error: QueueError) => {
          this.#settleCalls--;
          this.#unanswered(batch, error);
          this.#fetchFailed(max);
        },
      );
  }

  #settle(batch: readonly OutboxEntry[]): void {
    const settlements = batch.map(entry => entry.settlement);
    this.#settleCalls++;
    this.#options.link
      .call('settle', CALL_TIMEOUT_MS, queue =>
        queue.settle(settlements, { timeoutMs: CALL_TIMEOUT_MS }).then(expectList),
      )
      .then(
        outcomes => {
          this.#settleCalls--;
          this.outbox.answered(batch, outcomes);
          this.schedule();
        },
        (error: QueueError) => {
          this.#settleCalls--;
          this.#unanswered(batch, error);
          this.schedule();
        },
      );
  }

  #unanswered(batch: readonly OutboxEntry[], error: QueueError): void {
    this.outbox.unanswered(batch, error);
    if (this.outbox.size === 0) this.#options.link.givenUp('settle');
  }

  #fetchStarted(max: number): void {
    this.#fetchCalls++;
    this.#requested += max;
  }

  #fetchEnded(max: number): void {
    this.#fetchCalls--;
    this.#requested -= max;
    this.schedule();
    if (this.#fetchCalls === 0) for (const resolve of this.#fetchWaiters.splice(0)) resolve();
  }

  #fetched(max: number, deliveries: readonly Delivery[], leasedAt: number): void {
    this.#failures = 0;
    this.#lastSuccessfulPoll = this.#options.clock.now();
    this.#full = deliveries.length >= max;
    this.#arrived(deliveries, leasedAt);
    this.#fetchEnded(max);
  }

  #fetchFailed(max: number): void {
    const { clock, random, link } = this.#options;
    if (!this.#fetching) link.givenUp('reserve');
    this.#failures++;
    this.#full = false;
    this.#fetchEnded(max);
    if (this.#backingOff) return;
    this.#backingOff = true;
    clock.setTimeout(
      () => {
        this.#backingOff = false;
        this.schedule();
      },
      storeBackoff(this.#failures, random),
    );
  }

  #arrived(deliveries: readonly Delivery[], leasedAt: number): void {
    if (!this.#ended && deliveries.length > 0) this.#options.onDeliveries(deliveries, leasedAt);
  }

  #arrivedLate(deliveries: readonly Delivery[]): void {
    if (!this.#ended && deliveries.length > 0) this.#options.onLateDeliveries(deliveries);
  }
}
