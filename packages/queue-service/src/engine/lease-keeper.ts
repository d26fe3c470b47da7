import { LeaseLostError } from '@switchyard/queue-api';
import type { Attempt } from './attempt.ts';
import type { Clock, Timer } from './clock.ts';
import { expectList } from './expect-list.ts';
import type { StoreLink } from './store-link.ts';

export interface LeaseKeeperOptions {
  readonly link: StoreLink;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** Every attempt whose lease this worker holds. */
  readonly held: () => Iterable<Attempt>;
  /** The job may be, or is, somebody else's now. */
  readonly onLost: (attempt: Attempt, error: LeaseLostError) => void;
}

/**
 * Renews the leases of everything this worker holds, all in one call (rule 13).
 *
 * With a lease of L it looks every L/6, renews what is older than L/3, and gives up on what is older than 5L/6: its
 * signal aborts while the job still belongs to us, so that a handler that obeys has stopped before another worker
 * starts (rule 15). In between there is time for a failed renewal to be repeated.
 *
 * A lease given up here may still be good: it stays in the round, and whether a late settlement counts is for the
 * store's fence to say.
 */
export class LeaseKeeper {
  readonly #options: LeaseKeeperOptions;
  #timer: Timer | undefined;
  #renewing = false;

  constructor(options: LeaseKeeperOptions) {
    this.#options = options;
  }

  /** There is a lease to look after. */
  watch(): void {
    if (this.#timer === undefined) this.#arm();
  }

  /** Lets go of everything; leases then end by themselves. */
  stop(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #arm(): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#tick(), this.#options.leaseMs / 6).unref();
  }

  #tick(): void {
    this.#timer = undefined;
    const held = [...this.#options.held()].filter(attempt => attempt.lost === undefined);
    if (held.length === 0) return;
    this.#arm();
    this.#giveUpOld(held);
    if (!this.#renewing) void this.#renew(held);
  }

  #giveUpOld(held: readonly Attempt[]): void {
    const { clock, leaseMs, onLost } = this.#options;
    const limit = clock.now() + leaseMs / 6;
    for (const attempt of held) {
      if (attempt.leaseUntil > limit || attempt.abortReason !== undefined) continue;
      const message = `The lease of job ${attempt.delivery.id} could not be renewed in time: another worker may run it`;
      onLost(attempt, new LeaseLostError(message, { jobId: attempt.delivery.id }));
    }
  }

  async #renew(held: readonly Attempt[]): Promise<void> {
    const { clock, leaseMs, link } = this.#options;
    const old = clock.now() + (2 / 3) * leaseMs;
    const due = held.filter(attempt => attempt.leaseUntil <= old);
    const size = link.capabilities?.maxBatch.settle ?? 1;
    this.#renewing = true;
    const calls: Promise<void>[] = [];
    for (let start = 0; start < due.length; start += size) calls.push(this.#extend(due.slice(start, start + size)));
    await Promise.all(calls);
    this.#renewing = false;
  }

  async #extend(attempts: readonly Attempt[]): Promise<void> {
    const { clock, leaseMs, link, onLost } = this.#options;
    const timeoutMs = leaseMs / 6;
    const receipts = attempts.map(attempt => attempt.delivery.receipt);
    const asked = clock.now();
    try {
      const outcomes = await link.call('extend', timeoutMs, queue =>
        queue.extend(receipts, leaseMs, { timeoutMs }).then(expectList),
      );
      for (const [index, attempt] of attempts.entries()) {
        const outcome = outcomes[index];
        if (outcome?.ok) attempt.leaseUntil = asked + leaseMs;
        else if (outcome?.code === 'lease-lost' && !attempt.settled) {
          const message = `The lease of job ${attempt.delivery.id} is gone: another worker has it, or had it`;
          attempt.lost = new LeaseLostError(message, { jobId: attempt.delivery.id });
          onLost(attempt, attempt.lost);
        }
      }
    } catch {
      // The link has reported it; the next round tries again, and giveUpOld() keeps the time.
    }
  }
}
