import type { Clock } from './clock.ts';

/** Whether `promise` resolves within `ms`. Never rejects, never takes longer. */
export function withinTime(clock: Clock, ms: number, promise: Promise<unknown>): Promise<boolean> {
  return new Promise(resolve => {
    const timer = clock.setTimeout(() => resolve(false), ms);
    const settle = () => {
      timer.cancel();
      resolve(true);
    };
    promise.then(settle, settle);
  });
}
