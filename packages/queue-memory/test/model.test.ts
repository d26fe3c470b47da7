import type { Delivery, JobCounts, Outcome, Receipt, Settlement } from '@switchyard/queue-api';
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { DeadLetters } from '../src/dead-letters.ts';
import { MemoryQueue } from '../src/memory-queue.ts';
import { FakeClock } from './fake-clock.ts';
import { type Handed, NaiveQueue, type Token } from './naive-queue.ts';
import { jobsOf, newJob } from './test-queue.ts';

const CAPS = { maxAgeMs: 40, maxCount: 3 };

const ms = fc.integer({ min: 0, max: 12 });
const leaseMs = fc.integer({ min: 1, max: 15 });
const max = fc.integer({ min: 1, max: 4 });
const draft = fc.record({
  id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
  priority: fc.nat({ max: 1 }),
  delayMs: ms,
});
/** Which hand-out, counted back from the latest: often one that still holds, sometimes one that does not. */
const pick = fc.nat({ max: 6 });
const delayMs = ms;
const note = fc.constantFrom('x', 'y');
/** A settlement that still lacks its receipt. */
const settlement = fc.record({
  pick,
  how: fc.oneof(
    fc.record({ kind: fc.constant('ack' as const) }),
    fc.record({ kind: fc.constant('release' as const), delayMs, note }, { requiredKeys: ['kind'] }),
    fc.record({ kind: fc.constant('retry' as const), delayMs, note }),
    fc.record({ kind: fc.constant('dead' as const), note }),
  ),
});
const settlements = fc.array(settlement, { maxLength: 4 });

const step = fc.oneof(
  fc.record({ do: fc.constant('enqueue' as const), drafts: fc.array(draft, { minLength: 1, maxLength: 4 }) }),
  fc.record({ do: fc.constant('reserve' as const), max, leaseMs }),
  // Half a millisecond apart from everything else: what comes first at one and the same moment is nobody's promise.
  fc.record({ do: fc.constant('wait' as const), max, leaseMs, waitMs: fc.nat({ max: 30 }).map(n => n + 0.5) }),
  fc.record({ do: fc.constant('abort' as const), pick: fc.nat({ max: 3 }) }),
  fc.record({ do: fc.constant('settle' as const), settlements }),
  fc.record({ do: fc.constant('exchange' as const), settlements, max, leaseMs }),
  fc.record({ do: fc.constant('extend' as const), picks: fc.array(pick, { maxLength: 3 }), leaseMs }),
  fc.record({ do: fc.constant('advance' as const), ms }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
type Picked = typeof settlement extends fc.Arbitrary<infer T> ? T : never;

/** What can be seen of a queue after a step. */
interface Sight {
  readonly counts: JobCounts;
  readonly outcomes: readonly Outcome[];
  readonly handed: readonly { handed: Handed; waiter: number | undefined }[];
  readonly answered: readonly number[];
}

/** The store and its model side by side: every step is taken with both. */
class Pair {
  readonly #clock = new FakeClock();
  readonly #real = new MemoryQueue(this.#clock, new DeadLetters(CAPS));
  readonly #model = new NaiveQueue(CAPS);
  readonly #handed: { handed: Handed; waiter: number | undefined }[] = [];
  readonly #receipts: Receipt[] = [];
  readonly #answered: number[] = [];
  readonly #aborts: AbortController[] = [];

  async take(next: Step): Promise<{ real: Sight; model: Sight }> {
    const outcomes = this.#takeBoth(next);
    await new Promise(resolve => void setImmediate(resolve));
    return {
      real: {
        counts: this.#real.counts(),
        outcomes: outcomes.real,
        handed: this.#handed,
        answered: this.#answered,
      },
      model: {
        counts: this.#model.counts(),
        outcomes: outcomes.model,
        handed: this.#model.handed.map(({ handed, waiter }) => ({ handed, waiter })),
        answered: this.#model.answered,
      },
    };
  }

  #takeBoth(next: Step): { real: readonly Outcome[]; model: readonly Outcome[] } {
    let real: readonly Outcome[] = [];
    let model: readonly Outcome[] = [];
    switch (next.do) {
      case 'enqueue': {
        const jobs = next.drafts.map(newJob);
        real = this.#real.enqueue(jobs);
        this.#model.enqueue(jobs);
        model = jobs.map(() => outcomeOf(true));
        break;
      }
      case 'reserve':
        this.#reserve({ ...next, waitMs: 0 }, undefined);
        this.#model.reserve(next.max, next.leaseMs);
        break;
      case 'wait': {
        const waiter = this.#aborts.length;
        this.#reserve(next, waiter);
        this.#model.wait(waiter, next.max, next.leaseMs, next.waitMs);
        break;
      }
      case 'abort': {
        const waiter = this.#aborts.length - 1 - next.pick;
        this.#aborts[waiter]?.abort();
        this.#model.giveUp(waiter);
        break;
      }
      case 'settle':
        real = this.#real.settle(next.settlements.map(picked => this.#settlement(picked)));
        model = this.#settleModel(next.settlements);
        break;
      case 'exchange': {
        const request = { max: next.max, leaseMs: next.leaseMs, timeoutMs: 1000 };
        const result = this.#real.exchange(
          next.settlements.map(picked => this.#settlement(picked)),
          request,
        );
        real = result.outcomes;
        model = this.#settleModel(next.settlements);
        this.#record(result.deliveries, undefined);
        this.#model.reserve(next.max, next.leaseMs);
        break;
      }
      case 'extend':
        real = this.#real.extend(
          next.picks.map(back => this.#receipts.at(-1 - back)),
          next.leaseMs,
        );
        model = next.picks.map(back => outcomeOf(this.#model.extend(this.#token(back), next.leaseMs)));
        this.#model.settleDown();
        break;
      case 'advance':
        this.#clock.advance(next.ms);
        this.#model.advance(next.ms);
        break;
    }
    return { real, model };
  }

  #reserve(request: { max: number; leaseMs: number; waitMs: number }, waiter: number | undefined): void {
    const abort = new AbortController();
    const { max: most, leaseMs: lease, waitMs } = request;
    const answer = this.#real.reserve({ max: most, leaseMs: lease, waitMs, signal: abort.signal }, this);
    if (waiter !== undefined) this.#aborts.push(abort);
    this.#record(answer, waiter);
  }

  /** Once it is there: whoever was answered first is recorded first. */
  #record(answer: readonly Delivery[] | Promise<readonly Delivery[]>, waiter: number | undefined): void {
    void Promise.resolve(answer).then(deliveries => {
      for (const { id, attempt, note: itsNote, receipt } of jobsOf(deliveries)) {
        this.#handed.push({ handed: { id, attempt, note: itsNote }, waiter });
        this.#receipts.push(receipt);
      }
      if (waiter !== undefined) this.#answered.push(waiter);
    });
  }

  #settlement({ pick: back, how }: Picked): Settlement {
    return { receipt: this.#receipts.at(-1 - back), ...how };
  }

  #settleModel(picked: readonly Picked[]): Outcome[] {
    const outcomes = picked.map(({ pick: back, how }) => outcomeOf(this.#model.settle(this.#token(back), how)));
    this.#model.settleDown();
    return outcomes;
  }

  /** Counted in what was recorded, not in what this very step hands out. */
  #token(back: number): Token | undefined {
    return this.#model.handed[this.#receipts.length - 1 - back]?.token;
  }
}

function outcomeOf(done: boolean): Outcome {
  return done ? { ok: true } : { ok: false, code: 'lease-lost' };
}

it('does what a list that is searched and sorted every time would do, whatever happens to its jobs', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 20, maxLength: 80 }), async steps => {
      const pair = new Pair();
      for (const next of steps) {
        const { real, model } = await pair.take(next);
        expect(real).toEqual(model);
      }
    }),
    { numRuns: 500 },
  );
}, 60_000);
