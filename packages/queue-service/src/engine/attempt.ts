import type { JobContext, JobDelivery, LeaseLostError } from '@switchyard/queue-api';
import type { Intake } from './intake.ts';
import type { RunResult } from './run-result.ts';

/** One hand-out of one job: from its delivery until the store knows how it ended. */
export class Attempt {
  readonly delivery: JobDelivery;
  /** What intake decided to do with it. */
  readonly plan: Intake & { readonly do: 'run' | 'bury' };
  /** When the lease ends unless it is renewed, by the engine's clock. Pessimistic: counted from before it was asked for. */
  leaseUntil: number;
  /** Set once the store has said that the lease is gone: nothing may be settled any more. */
  lost: LeaseLostError | undefined;
  /** What the handler or the dlqHandler gets. */
  payload: unknown;
  /** Its settlement has been answered, or given up: there is no lease any more. */
  settled = false;
  /** Its fate is decided: whatever still runs changes nothing. */
  detached = false;
  /** Its time was over and its handler did not return: the handler has no say any more. */
  overdue = false;
  /** What becomes of it unless the dlqHandler resolves; set while that runs. */
  burial: RunResult | undefined;
  /** What occupies the slot: the handler, the dlqHandler, or (after a timeout) both. */
  activities = 0;
  /** When its handler was called. */
  startedAt: number | undefined;
  /** Why its signal aborted. */
  abortReason: Error | undefined;
  #controller: AbortController | undefined;

  constructor(delivery: JobDelivery, plan: Intake & { readonly do: 'run' | 'bury' }, leaseUntil: number) {
    this.delivery = delivery;
    this.plan = plan;
    this.leaseUntil = leaseUntil;
  }

  /** Made on first use: most handlers never look at it, and an AbortController costs more than all the rest. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.abortReason !== undefined) this.#controller.abort(this.abortReason);
    }
    return this.#controller.signal;
  }

  /** The first reason stays. */
  abort(reason: Error): void {
    if (this.abortReason !== undefined) return;
    this.abortReason = reason;
    this.#controller?.abort(reason);
  }
}

/** What the handler gets beside its job. */
export class AttemptContext implements JobContext {
  readonly queue: string;
  readonly #attempt: Attempt;

  constructor(queue: string, attempt: Attempt) {
    this.queue = queue;
    this.#attempt = attempt;
  }

  get signal(): AbortSignal {
    return this.#attempt.signal;
  }

  get enqueuedAt(): Date {
    return new Date(this.#attempt.delivery.enqueuedAt);
  }
}
