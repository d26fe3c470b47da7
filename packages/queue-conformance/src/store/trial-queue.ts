import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type {
  Delivery,
  JobCounts,
  JobDelivery,
  NewJob,
  Outcome,
  QueueName,
  Receipt,
  ReserveRequest,
  Settlement,
  StoreCapabilities,
  StoreQueue,
} from '@switchyard/queue-api';
import type { Timings } from '../timings.ts';
import type { Waits } from '../waits.ts';
import { assertOk } from './outcomes.ts';

/** What a case says about a job; the rest is made up. */
export type JobDraft = Partial<NewJob>;

/** What every call of a trial queue needs to know. */
export interface TrialSetting {
  readonly capabilities: StoreCapabilities;
  readonly timings: Timings;
  readonly waits: Waits;
  /** Aborts when the case is over, so that no `reserve` outlives it. */
  readonly over: AbortSignal;
}

/**
 * A queue of the store on trial, with the words the cases are written in. Every call has a deadline, batches keep to
 * the store's limits, and one empty `reserve` is never taken for an empty queue.
 */
export class TrialQueue {
  readonly name: QueueName;
  readonly raw: StoreQueue;
  readonly #setting: TrialSetting;

  constructor(name: QueueName, raw: StoreQueue, setting: TrialSetting) {
    this.name = name;
    this.raw = raw;
    this.#setting = setting;
  }

  /** Enqueues, in order, and asserts that the store took every job. */
  async add(...drafts: readonly JobDraft[]): Promise<NewJob[]> {
    const jobs = drafts.map(newJob);
    for (const batch of inBatches(jobs, this.#setting.capabilities.maxBatch.enqueue)) {
      assertOk(await this.enqueue(batch), batch.length, 'enqueue');
    }
    return jobs;
  }

  enqueue(jobs: readonly NewJob[]): Promise<readonly Outcome[]> {
    const { callMs } = this.#setting.timings;
    return this.#call(`enqueue of ${jobs.length} job(s)`, callMs, this.raw.enqueue(jobs, { timeoutMs: callMs }));
  }

  /** One call of `reserve`; by default one job, a lease that outlasts the case, and no waiting. */
  async reserve(request: Partial<ReserveRequest> = {}): Promise<readonly Delivery[]> {
    const { timings, over } = this.#setting;
    const full = { max: 1, leaseMs: timings.longLeaseMs, waitMs: 0, signal: over, ...request };
    const deliveries = await this.#call(
      `reserve with waitMs ${full.waitMs} to answer`,
      full.waitMs + timings.callMs,
      this.raw.reserve(full),
    );
    assert.ok(deliveries.length <= full.max, `reserve was asked for ${full.max} and gave ${deliveries.length}`);
    return deliveries;
  }

  /** Reserves until `count` jobs have come; `withinMs` is the longest time between two answers with a job. */
  async take(
    count: number,
    options: { leaseMs?: number; withinMs?: number; max?: number } = {},
  ): Promise<JobDelivery[]> {
    const { timings, capabilities } = this.#setting;
    const { leaseMs = timings.longLeaseMs, withinMs = timings.wakeMs, max = capabilities.maxBatch.reserve } = options;
    const taken: JobDelivery[] = [];
    for (let end = performance.now() + withinMs; taken.length < count;) {
      const leftMs = end - performance.now();
      if (leftMs <= 0) {
        assert.fail(
          `waited ${withinMs} ms for another delivery: ${taken.length} of ${count} came, ` +
            `counts say ${JSON.stringify(await this.counts().catch(String))}`,
        );
      }
      const deliveries = await this.reserve({
        max: Math.min(count - taken.length, max),
        waitMs: Math.ceil(leftMs),
        leaseMs,
      });
      taken.push(...deliveries.map(asJob));
      if (deliveries.length > 0) end = performance.now() + withinMs;
    }
    return taken;
  }

  async takeOne(options: { leaseMs?: number; withinMs?: number } = {}): Promise<JobDelivery> {
    const [delivery] = await this.take(1, options);
    assert.ok(delivery);
    return delivery;
  }

  /** Reserves for `ms` and asserts that nothing comes. */
  async takeNothing(why: string, ms: number = this.#setting.timings.quietMs): Promise<void> {
    for (const end = performance.now() + ms; performance.now() < end;) {
      const deliveries = await this.reserve({
        max: this.#setting.capabilities.maxBatch.reserve,
        waitMs: Math.ceil(Math.max(0, end - performance.now())),
      });
      const ids = deliveries.map(delivery => (delivery.kind === 'job' ? delivery.id : `unreadable: ${delivery.why}`));
      assert.deepEqual(ids, [], `nothing may be handed out: ${why}`);
    }
  }

  settle(settlements: readonly Settlement[]): Promise<readonly Outcome[]> {
    const { callMs } = this.#setting.timings;
    return this.#call(
      `settle (${settlements.map(({ kind }) => kind).join(', ')}) to answer`,
      callMs,
      this.raw.settle(settlements, { timeoutMs: callMs }),
    );
  }

  ack(...deliveries: readonly Delivery[]): Promise<void> {
    return this.#settleAll(deliveries.map(({ receipt }) => ({ kind: 'ack', receipt })));
  }

  retry(delivery: Delivery, delayMs = 0, note = 'failed'): Promise<void> {
    return this.#settleAll([{ kind: 'retry', receipt: delivery.receipt, delayMs, note }]);
  }

  release(delivery: Delivery, how: { delayMs?: number; note?: string } = {}): Promise<void> {
    return this.#settleAll([{ kind: 'release', receipt: delivery.receipt, ...how }]);
  }

  bury(delivery: Delivery, note = 'dead'): Promise<void> {
    return this.#settleAll([{ kind: 'dead', receipt: delivery.receipt, note }]);
  }

  extend(receipts: readonly Receipt[], leaseMs: number): Promise<readonly Outcome[]> {
    const { callMs } = this.#setting.timings;
    return this.#call(
      `extend of ${receipts.length} lease(s)`,
      callMs,
      this.raw.extend(receipts, leaseMs, { timeoutMs: callMs }),
    );
  }

  counts(): Promise<JobCounts> {
    return this.#call('counts', this.#setting.timings.callMs, this.raw.counts());
  }

  /**
   * Asserts what the store counts: at once where `counts` is `exact`; where it is `approximate` the sum of the three,
   * and eventually.
   */
  async assertCounts(expected: { waiting?: number; delayed?: number; active?: number }, when: string): Promise<void> {
    const { waiting = 0, delayed = 0, active = 0 } = expected;
    if (this.#setting.capabilities.counts === 'exact') {
      const counts = await this.counts();
      const { dead: _, ...open } = counts;
      assert.deepEqual({ ...open }, { waiting, delayed, active }, `counts ${when}`);
      return;
    }
    const { wakeMs, slackMs } = this.#setting.timings;
    await this.#setting.waits.eventually(`approximate counts ${when}`, 4 * (wakeMs + slackMs), async () => {
      const counts = await this.counts();
      assert.equal(counts.waiting + counts.delayed + counts.active, waiting + delayed + active, JSON.stringify(counts));
    });
  }

  close(timeoutMs: number = this.#setting.timings.callMs): Promise<void> {
    return this.#call(`close of the queue within ${timeoutMs} ms`, timeoutMs, this.raw.close({ timeoutMs }));
  }

  async #settleAll(settlements: readonly Settlement[]): Promise<void> {
    for (const batch of inBatches(settlements, this.#setting.capabilities.maxBatch.settle)) {
      assertOk(await this.settle(batch), batch.length, `settle ${batch[0]?.kind}`);
    }
  }

  #call<T>(what: string, ms: number, promise: Promise<T>): Promise<T> {
    return this.#setting.waits.within(what, ms + this.#setting.timings.slackMs, promise);
  }
}

/** A whole job from what a case says about it. */
export function newJob(draft: JobDraft): NewJob {
  return { id: randomUUID(), body: '{"kit":true}', headers: {}, priority: 20, delayMs: 0, ...draft };
}

/** Splits a list into runs of at most `size`. */
export function inBatches<T>(items: readonly T[], size: number): (readonly T[])[] {
  const batches: (readonly T[])[] = [];
  for (let start = 0; start < items.length; start += size) batches.push(items.slice(start, start + size));
  return batches;
}

/** Asserts that a delivery is a job. */
export function asJob(delivery: Delivery): JobDelivery {
  if (delivery.kind !== 'job') assert.fail(`expected a job, got an unreadable message: ${delivery.why}`);
  return delivery;
}
