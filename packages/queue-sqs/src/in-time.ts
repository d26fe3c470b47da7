import { CallTimeoutError } from './classify.ts';

/** Settles as `answer` does, but no later than `timeoutMs` from now. */
export function inTime<Answer>(what: string, timeoutMs: number, answer: Promise<Answer>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new CallTimeoutError(what, timeoutMs)), timeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/** Resolves once `work` has settled, and after `timeoutMs` at the latest. */
export async function atMost(timeoutMs: number, work: Promise<unknown>): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeoutMs);
  await Promise.race([work.catch(() => {}), late]);
  clearTimeout(timer);
}
