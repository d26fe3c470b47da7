import type { Outcome, Receipt, Settlement } from '@switchyard/queue-api';
import { isBeyondTwelveHours } from './classify.ts';
import { deadLetterOf } from './dead-letter.ts';
import { atMost } from './in-time.ts';
import type { Lease } from './lease.ts';
import type { Limits } from './limits.ts';
import { jobMessage, messageOf, type OutgoingMessage } from './message.ts';
import type { QueueFinder } from './queue-finder.ts';
import { delaySeconds, leaseSeconds } from './seconds.ts';
import { sendMessages } from './send-messages.ts';
import { inTens, outcomeOf, settleAll } from './settle-all.ts';
import type { QueuePlace, SqsApi } from './sqs-api.ts';

export interface SettlerOptions {
  readonly api: SqsApi;
  readonly main: QueueFinder;
  readonly dead: QueueFinder;
  readonly limits: Limits;
  readonly maxBytes: () => number;
}

/** One settlement while it is carried out. */
interface Step {
  /** Its place among the outcomes. */
  readonly index: number;
  readonly lease: Lease;
}
interface Change extends Step {
  readonly delayMs: number;
}
interface Move extends Step {
  readonly target: QueueFinder;
  readonly message: OutgoingMessage;
}

const BEING_SETTLED: Outcome = Object.freeze({ ok: false, code: 'unavailable', message: 'it is being settled' });
const LEASE_LOST: Outcome = Object.freeze({ ok: false, code: 'lease-lost' });
/** The lease is still there, and ends when it would have ended. */
const NOT_LONGER: Outcome = Object.freeze({
  ok: false,
  code: 'rejected',
  message: 'SQS hides a message for twelve hours at most',
});

/**
 * Carries out what became of leases, each kind in requests of its own, all at once: acknowledgements delete, what goes back
 * is shown again by its visibility, and what must go elsewhere (to the dead letters, or to wait beyond the twelve hours that
 * SQS hides a message) is sent there first and deleted then. So it can be there twice, and never not at all.
 *
 * Whose lease is over by our own clock is refused without asking SQS, see {@link Lease.isHeld}.
 */
export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  async settle(settlements: readonly Settlement[], timeoutMs: number): Promise<Outcome[]> {
    const outcomes = new Outcomes(settlements.length, performance.now() + timeoutMs);
    const leases = settlements.map(({ receipt }) => receipt as Lease);
    for (const lease of leases) lease.isSettling = true;
    try {
      await this.#carryOut(settlements, outcomes);
      return outcomes.list();
    } finally {
      for (const lease of leases) lease.isSettling = false;
    }
  }

  async #carryOut(settlements: readonly Settlement[], outcomes: Outcomes): Promise<void> {
    // Of two changes of one message the last that arrives counts: a renewal must not overtake what becomes of the job.
    const renewals = settlements.flatMap(({ receipt }) => (receipt as Lease).renewal ?? []);
    if (renewals.length > 0) await atMost(outcomes.timeLeft, Promise.all(renewals));
    const deletions: Step[] = [];
    const changes: Change[] = [];
    const moves: Move[] = [];
    for (const [index, settlement] of settlements.entries()) {
      const lease = settlement.receipt as Lease;
      if (!lease.isHeld) continue;
      if (settlement.kind === 'ack') deletions.push({ index, lease });
      else if (settlement.kind === 'dead') moves.push(this.#burial({ index, lease }, settlement.note));
      else changes.push({ index, lease, delayMs: settlement.delayMs ?? 0 });
    }
    await Promise.all([
      this.#delete(deletions, outcomes),
      this.#move(moves, outcomes),
      this.#changeOrMove(changes, outcomes),
    ]);
  }

  /** Where the new lease would end after the twelve hours, the old one runs out: until then it can be settled. */
  async extend(receipts: readonly Receipt[], leaseMs: number, timeoutMs: number): Promise<Outcome[]> {
    const outcomes = new Outcomes(receipts.length, performance.now() + timeoutMs);
    const seconds = leaseSeconds(leaseMs);
    const held = receipts
      .map((receipt, index) => ({ index, lease: receipt as Lease }))
      .filter(({ lease }) => lease.isHeld);
    const steps: Step[] = [];
    for (const step of held) {
      if (step.lease.isSettling) outcomes.set(step.index, BEING_SETTLED);
      else if (lastsFor(step.lease, seconds)) steps.push(step);
      else outcomes.set(step.index, NOT_LONGER);
    }
    const { promise: renewal, resolve: renewed } = Promise.withResolvers<void>();
    for (const { lease } of steps) lease.renewal = renewal;
    const askedAt = performance.now();
    try {
      await outcomes.ask(steps, batch => this.#changeVisibility(batch, () => seconds, outcomes));
    } finally {
      for (const { lease } of steps) lease.renewal = undefined;
      renewed();
    }
    for (const { index, lease } of steps) {
      const outcome = outcomes.at(index);
      if (outcome.ok) lease.lastUntil(askedAt + leaseMs);
      else if (isBeyond(outcome)) outcomes.set(index, NOT_LONGER);
      else if (outcome.code === 'unknown-outcome') lease.lastUntil(Math.min(lease.until, askedAt + leaseMs));
    }
    return outcomes.list();
  }

  async #delete(steps: readonly Step[], outcomes: Outcomes): Promise<void> {
    const { api, main } = this.#options;
    await outcomes.ask(steps, batch =>
      this.#at(main, outcomes, place =>
        settleAll(inTens(batch), ten =>
          api.delete(
            place,
            ten.map(({ lease }) => lease.handle),
            outcomes.timeLeft,
          ),
        ),
      ),
    );
    for (const { index, lease } of steps) if (outcomes.at(index).ok) lease.end();
  }

  async #changeOrMove(changes: readonly Change[], outcomes: Outcomes): Promise<void> {
    const possible = changes.filter(({ lease, delayMs }) => lastsFor(lease, delaySeconds(delayMs)));
    const askedAt = performance.now();
    await outcomes.ask(possible, batch =>
      this.#changeVisibility(batch, ({ delayMs }) => delaySeconds(delayMs), outcomes),
    );
    for (const { index, lease, delayMs } of possible) {
      const outcome = outcomes.at(index);
      if (outcome.ok) lease.end();
      // It may be somebody else's from then on, and to say it again then would be to take it away.
      else if (outcome.code === 'unknown-outcome') lease.mayEndAt(askedAt + delaySeconds(delayMs) * 1000);
    }
    const beyond = changes.filter(change => !possible.includes(change) || isBeyond(outcomes.at(change.index)));
    await this.#move(
      beyond.map(change => this.#copy(change)),
      outcomes,
    );
  }

  async #move(moves: readonly Move[], outcomes: Outcomes): Promise<void> {
    const { api, maxBytes } = this.#options;
    for (const target of new Set(moves.map(move => move.target))) {
      const there = moves.filter(move => move.target === target && !move.lease.isCopied);
      await outcomes.ask(there, batch =>
        this.#at(target, outcomes, place =>
          sendMessages(
            api,
            place,
            batch.map(({ message }) => message),
            { timeoutMs: outcomes.timeLeft, maxBytes: maxBytes() },
          ),
        ),
      );
      for (const { index, lease } of there) lease.isCopied = outcomes.at(index).ok;
    }
    await this.#delete(
      moves.filter(({ lease }) => lease.isCopied),
      outcomes,
    );
  }

  async #changeVisibility<Entry extends Step>(
    steps: readonly Entry[],
    secondsOf: (step: Entry) => number,
    outcomes: Outcomes,
  ): Promise<Outcome[]> {
    const { api, main } = this.#options;
    return this.#at(main, outcomes, place =>
      settleAll(inTens(steps), ten =>
        api.changeVisibility(
          place,
          ten.map(step => ({ handle: step.lease.handle, seconds: secondsOf(step) })),
          outcomes.timeLeft,
        ),
      ),
    );
  }

  async #at<Answer>(
    finder: QueueFinder,
    { timeLeft }: Outcomes,
    ask: (place: QueuePlace) => Promise<Answer>,
  ): Promise<Answer> {
    try {
      return await ask(await finder.placeWithin(timeLeft));
    } catch (error) {
      finder.failed(error);
      throw error;
    }
  }

  #burial({ index, lease }: Step, note: string): Move {
    const { dead, maxBytes } = this.#options;
    return { index, lease, target: dead, message: deadLetterOf(lease, note, maxBytes()) };
  }

  #copy({ index, lease, delayMs }: Change): Move {
    const { main, limits } = this.#options;
    const seconds = delaySeconds(Math.min(delayMs, limits.delayMs));
    const { envelope } = lease;
    if (envelope === undefined) {
      const { Body = '', MessageAttributes = {} } = lease.message;
      return { index, lease, target: main, message: messageOf(Body, MessageAttributes, seconds) };
    }
    const { dueAt: _due, delayMs: _delay, ...rest } = envelope;
    const isLong = delayMs > limits.delayMs;
    const copy = { ...rest, addedAt: lease.addedAt, attempts: lease.attempt, ...(isLong && { delayMs }) };
    return { index, lease, target: main, message: jobMessage(copy, seconds) };
  }
}

/** Whether SQS would still hide the message for so long. */
function lastsFor({ longestUntil }: Lease, seconds: number): boolean {
  return performance.now() + seconds * 1000 <= longestUntil;
}

function isBeyond(outcome: Outcome): boolean {
  return !outcome.ok && isBeyondTwelveHours(outcome.message);
}

/** The outcomes of one call while they come in. An entry that nothing is asked about has lost its lease. */
class Outcomes {
  readonly #list: Outcome[];
  readonly #endsAt: number;
  /** What speaks for entries that nobody answered about. */
  readonly #failures = new Map<Outcome, unknown>();

  constructor(count: number, endsAt: number) {
    this.#list = Array.from({ length: count }, () => LEASE_LOST);
    this.#endsAt = endsAt;
  }

  get timeLeft(): number {
    return Math.max(1, Math.round(this.#endsAt - performance.now()));
  }

  at(index: number): Outcome {
    return this.#list[index] ?? LEASE_LOST;
  }

  set(index: number, outcome: Outcome): void {
    this.#list[index] = outcome;
  }

  async ask<Entry extends Step>(
    steps: readonly Entry[],
    request: (steps: readonly Entry[]) => Promise<readonly Outcome[]>,
  ): Promise<void> {
    if (steps.length === 0) return;
    let answers: readonly Outcome[];
    try {
      answers = await request(steps);
    } catch (error) {
      const failure = outcomeOf(error);
      this.#failures.set(failure, error);
      answers = steps.map(() => failure);
    }
    for (const [position, { index, lease }] of steps.entries()) {
      const outcome = answers[position] ?? LEASE_LOST;
      this.set(index, outcome);
      if (!outcome.ok && outcome.code === 'lease-lost') lease.end();
    }
  }

  /** Throws where no entry was answered, for one and the same reason: the store is in trouble, and not its entries. */
  list(): Outcome[] {
    const [first] = this.#list;
    const isSame = (outcome: Outcome) =>
      this.#failures.has(outcome) && !outcome.ok && first?.ok === false && outcome.code === first.code;
    if (first !== undefined && this.#list.every(isSame)) throw this.#failures.get(first);
    return this.#list;
  }
}
