import {
  type DLQHandler,
  isQueueError,
  type Job,
  JobTimeoutError,
  type ProcessHandler,
  QueueShutdownError,
  type StandardSchemaV1,
  UnreadableJobError,
} from '@switchyard/queue-api';
import { type Attempt, AttemptContext } from './attempt.ts';
import type { Clock } from './clock.ts';
import { ExpiryQueue } from './expiry-queue.ts';
import { isThenable } from './is-thenable.ts';
import type { RunResult } from './run-result.ts';
import type { Slots } from './slots.ts';
import { toError } from './to-error.ts';
import { validatePayload } from './validate-payload.ts';

export interface RunnerOptions {
  readonly queue: string;
  readonly slots: Slots;
  readonly handler: ProcessHandler;
  readonly dlqHandler: DLQHandler | undefined;
  readonly schema: StandardSchemaV1 | undefined;
  readonly timeoutMs: number | undefined;
  readonly clock: Clock;
  /** Whether a handler may be started now. */
  readonly mayStart: () => boolean;
  /** Whether this failure was the last attempt. */
  readonly isLastAttempt: (attempt: Attempt) => boolean;
  readonly onStart: (attempt: Attempt) => void;
  /** Once per attempt: its fate is decided. After a timeout this may come before the handler returns. */
  readonly onResult: (attempt: Attempt, result: RunResult) => void;
  /** Nothing of it runs any more; its slot is about to be free. */
  readonly onLeave: (attempt: Attempt) => void;
  /** The handler ignores its signal. */
  readonly onStuck: (attempt: Attempt, error: Error) => void;
  readonly onDlqHandlerError: (attempt: Attempt, error: Error) => void;
}

/** How long a handler whose time is over may take to notice. */
const GRACE_MS = 5000;

const COMPLETED: RunResult = { kind: 'completed' };

/**
 * Runs attempts in slots: handler, `dlqHandler`, schema and time limits.
 *
 * A slot is taken until the handler has really returned: one that ignores its signal after a timeout has its attempt
 * failed all the same (after a grace of 5 s), but keeps its slot until it returns, because "never more than `concurrency`" (rule 10)
 * counts what runs, not what we would like to have stopped. While it lives its job is not started here again.
 */
export class Runner {
  readonly #options: RunnerOptions;
  readonly #timeouts: ExpiryQueue<Attempt> | undefined;
  readonly #graces: ExpiryQueue<Attempt>;

  constructor(options: RunnerOptions) {
    this.#options = options;
    const { clock, timeoutMs } = options;
    if (timeoutMs !== undefined) this.#timeouts = new ExpiryQueue(clock, timeoutMs, attempt => this.#timeUp(attempt));
    this.#graces = new ExpiryQueue(clock, GRACE_MS, attempt => this.#graceOver(attempt));
  }

  /** Takes a slot and runs what intake planned. */
  start(attempt: Attempt): void {
    const { schema } = this.#options;
    this.#options.slots.take(attempt);
    this.#timeouts?.add(attempt);
    attempt.activities = 1;
    try {
      attempt.payload = JSON.parse(attempt.delivery.body);
    } catch (cause) {
      const error = new UnreadableJobError(`The body of job ${attempt.delivery.id} is not JSON`, { cause });
      this.#conclude(attempt, { kind: 'dead', error, attempts: attempt.delivery.attempt, handled: false });
      return;
    }
    if (schema === undefined) this.#run(attempt);
    else void this.#validateAndRun(attempt, schema);
  }

  /** Ends every run: the signals abort with `QueueShutdownError`. */
  abortAll(): void {
    for (const attempt of this.#options.slots.attempts()) {
      const message = `The worker shuts down: job ${attempt.delivery.id} goes back to its queue`;
      attempt.abort(new QueueShutdownError(message, { jobId: attempt.delivery.id }));
    }
  }

  /** Gives up on whoever is still running: their attempts end as interrupted now, whatever they do later. */
  abandonAll(): void {
    for (const attempt of this.#options.slots.attempts()) {
      if (attempt.detached) continue;
      this.#decide(attempt, interrupted(attempt));
      this.#options.onStuck(attempt, attempt.abortReason as Error);
    }
    this.#timeouts?.clear();
    this.#graces.clear();
  }

  async #validateAndRun(attempt: Attempt, schema: StandardSchemaV1): Promise<void> {
    try {
      attempt.payload = await validatePayload(schema, attempt.payload);
    } catch (thrown) {
      // What is to be buried is: its dlqHandler gets the stored input.
      if (attempt.plan.do === 'run') {
        this.#unfit(attempt, toError(thrown));
        return;
      }
    }
    this.#run(attempt);
  }

  #unfit(attempt: Attempt, error: Error): void {
    // Retrying cannot make a payload valid; a schema that throws may only be having a bad moment. And a job that went
    // on elsewhere while it was checked is nobody's business here.
    const final = isQueueError(error, 'invalid-payload') && attempt.abortReason === undefined;
    if (final) this.#bury(attempt, error, attempt.delivery.attempt, true);
    else this.#failed(attempt, error);
  }

  #run(attempt: Attempt): void {
    const { handler, onStart, queue } = this.#options;
    const { plan } = attempt;
    if (attempt.abortReason !== undefined) {
      // It ended before it began, while its schema was busy.
      this.#failed(attempt, attempt.abortReason);
      return;
    }
    if (!this.#options.mayStart()) {
      this.#conclude(attempt, interrupted(attempt));
      return;
    }
    if (plan.do === 'bury') {
      this.#bury(attempt, plan.error, plan.attempts, plan.tellDlqHandler);
      return;
    }
    onStart(attempt);
    const { id, attempt: number } = attempt.delivery;
    let running: Promise<unknown> | undefined;
    try {
      const returned: unknown = handler(
        { id, payload: attempt.payload, attempt: number },
        new AttemptContext(queue, attempt),
      );
      // A foreign thenable may throw, or settle more than once; a promise is returned as it is.
      if (isThenable(returned)) running = Promise.resolve(returned);
    } catch (thrown) {
      this.#failed(attempt, thrown);
      return;
    }
    if (running === undefined) {
      this.#completed(attempt);
      return;
    }
    running.then(
      () => this.#completed(attempt),
      (thrown: unknown) => this.#failed(attempt, thrown),
    );
  }

  #completed(attempt: Attempt): void {
    if (attempt.overdue) this.#leave(attempt);
    else this.#conclude(attempt, COMPLETED);
  }

  #failed(attempt: Attempt, thrown: unknown): void {
    const { abortReason } = attempt;
    if (attempt.overdue) this.#leave(attempt);
    else if (isInterrupted(attempt)) this.#conclude(attempt, interrupted(attempt));
    else this.#judge(attempt, abortReason ?? toError(thrown));
  }

  #judge(attempt: Attempt, error: Error): void {
    const { plan } = attempt;
    if (plan.do === 'bury') this.#bury(attempt, plan.error, plan.attempts, plan.tellDlqHandler);
    else if (this.#options.isLastAttempt(attempt)) this.#bury(attempt, error, attempt.delivery.attempt, true);
    else this.#conclude(attempt, { kind: 'failed', error });
  }

  /** The last word: the `dlqHandler`'s, in the job's slot and under its lease and timeout (rule 18). */
  #bury(attempt: Attempt, error: Error, attempts: number, tellDlqHandler: boolean): void {
    const { dlqHandler, onDlqHandlerError } = this.#options;
    const parked: RunResult = { kind: 'dead', error, attempts, handled: false };
    if (dlqHandler === undefined || !tellDlqHandler) {
      this.#conclude(attempt, parked);
      return;
    }
    attempt.burial = parked;
    // It has its own time; a handler that used up its own and then obeyed has left its grace behind.
    this.#graces.delete(attempt);
    this.#timeouts?.add(attempt);
    const job: Job = { id: attempt.delivery.id, payload: attempt.payload, attempt: attempts };
    callSafely(() => dlqHandler(job, error)).then(
      () => this.#conclude(attempt, { ...parked, handled: true }),
      (thrown: unknown) => {
        if (!attempt.detached && !isInterrupted(attempt)) onDlqHandlerError(attempt, toError(thrown));
        this.#conclude(attempt, isInterrupted(attempt) ? interrupted(attempt) : parked);
      },
    );
  }

  #timeUp(attempt: Attempt): void {
    const message = `Job ${attempt.delivery.id} took longer than its timeout of ${this.#options.timeoutMs} ms`;
    attempt.abort(new JobTimeoutError(message, { jobId: attempt.delivery.id }));
    this.#graces.add(attempt);
  }

  /** What was aborted has not returned: its fate is decided without it, and it keeps the slot until it does. */
  #graceOver(attempt: Attempt): void {
    if (attempt.detached) return;
    const error = attempt.abortReason as Error;
    attempt.activities++;
    // Where the job is somebody else's by now, its fate is not for us to decide.
    if (isInterrupted(attempt)) this.#conclude(attempt, interrupted(attempt));
    else if (attempt.burial !== undefined) this.#conclude(attempt, attempt.burial);
    else {
      attempt.overdue = true;
      this.#judge(attempt, error);
    }
    this.#options.onStuck(attempt, error);
  }

  /** One activity has ended and with it the attempt's fate is decided, unless it was before. */
  #conclude(attempt: Attempt, result: RunResult): void {
    this.#timeouts?.delete(attempt);
    this.#graces.delete(attempt);
    this.#decide(attempt, result);
    this.#leave(attempt);
  }

  #decide(attempt: Attempt, result: RunResult): void {
    if (attempt.detached) return;
    attempt.detached = true;
    this.#options.onResult(attempt, result);
  }

  #leave(attempt: Attempt): void {
    attempt.activities--;
    if (attempt.activities > 0) return;
    this.#options.onLeave(attempt);
    this.#options.slots.free(attempt);
  }
}

/** Its signal aborted for a reason that is not its own: a shutdown, a lost lease. */
function isInterrupted({ abortReason }: Attempt): boolean {
  return abortReason !== undefined && !isQueueError(abortReason, 'timeout');
}

function interrupted({ burial }: Attempt): RunResult {
  return burial?.kind === 'dead' ? { kind: 'interrupted', error: burial.error } : { kind: 'interrupted' };
}

async function callSafely(call: () => Promise<void> | void): Promise<void> {
  await call();
}
