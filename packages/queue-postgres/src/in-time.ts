import { CallTimeoutError } from './classify.ts';

/** Settles as `reply` does, but no later than `timeoutMs` from now. What comes later goes to `onLate`. */
export function inTime<Reply>(
  call: string,
  timeoutMs: number,
  reply: Promise<Reply>,
  onLate?: (reply: Reply) => void,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let late = false;
    const timer = setTimeout(() => {
      late = true;
      reject(new CallTimeoutError(call, timeoutMs));
    }, timeoutMs);
    reply.then(
      answer => {
        clearTimeout(timer);
        if (late) onLate?.(answer);
        else resolve(answer);
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(error);
      },
    );
  });
}
