import type { QueueErrorCode } from '@switchyard/queue-api';
import { DriverError } from './driver-error.ts';

export type Answer<Args extends readonly unknown[], Result> = (...args: Args) => Result | Promise<Result>;

let order = 0;

/** One call of a driver: what it answers, in the order in which a test wrote it down, and what it was asked. */
export class Script<Args extends readonly unknown[], Result> {
  readonly calls: { readonly args: Args; readonly order: number }[] = [];
  readonly #once: Answer<Args, Result>[] = [];
  #always: Answer<Args, Result>;
  #pending = 0;

  constructor(answer: Answer<Args, Result>) {
    this.#always = answer;
  }

  /** Calls that have not been answered. */
  get pending(): number {
    return this.#pending;
  }

  get last(): Args {
    const last = this.calls.at(-1);
    if (last === undefined) throw new Error('it was never called');
    return last.args;
  }

  /** Answers the next calls, one after the other. */
  once(...answers: readonly Answer<Args, Result>[]): void {
    this.#once.push(...answers);
  }

  /** Answers all further calls. */
  always(answer: Answer<Args, Result>): void {
    this.#always = answer;
  }

  /** Keeps the next call waiting until the test answers it. */
  hold(): Held<Result> {
    const { promise, resolve, reject } = Promise.withResolvers<Result>();
    this.once(() => promise);
    return { answer: resolve, fail: code => reject(new DriverError(code)) };
  }

  /** A synchronous throw stays one. */
  call(...args: Args): Promise<Result> {
    this.calls.push({ args, order: order++ });
    const answer = this.#once.shift() ?? this.#always;
    const result = answer(...args);
    this.#pending++;
    return Promise.resolve(result).finally(() => this.#pending--);
  }
}

export interface Held<Result> {
  answer(result: Result): void;
  fail(code: QueueErrorCode): void;
}

/** Rejects with an error that the driver classifies as `code`. */
export function fails(code: QueueErrorCode): () => Promise<never> {
  return () => Promise.reject(new DriverError(code));
}

/** Throws before it returns a promise. */
export function throws(code: QueueErrorCode): () => never {
  return () => {
    throw new DriverError(code);
  };
}

/** Never answers. */
export function hangs(): Promise<never> {
  return new Promise(() => {});
}

/** Does what it would have done, and then loses the answer. */
export function losesReply<Args extends readonly unknown[], Result>(
  answer: Answer<Args, Result>,
): Answer<Args, Result> {
  return async (...args) => {
    await answer(...args);
    throw new DriverError('unknown-outcome');
  };
}
