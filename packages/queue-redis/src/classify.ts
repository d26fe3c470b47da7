import { isQueueError, type QueueErrorCode } from '@switchyard/queue-api';

/** The call was not answered in time: it may have been carried out. */
export class CallTimeoutError extends Error {
  constructor(call: string, timeoutMs: number) {
    super(`Redis did not answer ${call} within ${timeoutMs} ms`);
    this.name = 'CallTimeoutError';
  }
}

/** What Redis says, by the word its errors begin with; older versions repeat those of a script further inside. */
const REPLIES: readonly (readonly [RegExp, QueueErrorCode])[] = [
  [/\b(NOPERM|NOAUTH|WRONGPASS)\b|invalid username-password|no password is set/i, 'denied'],
  // A command in a script: of Redis 7.0, and later.
  [/user executing the script can't|ACL failure in script/, 'denied'],
  [/\bOOM\b/, 'throttled'],
  [/\b(LOADING|READONLY|MASTERDOWN|CLUSTERDOWN|TRYAGAIN|BUSY|MISCONF|NOREPLICAS|MOVED|ASK)\b/, 'unavailable'],
];

/** Said by the client before anything was sent. */
const NOT_SENT = /isn't writeable|isn't ready|startup nodes|Failed to refresh slots cache|No subscriber|redirections/;

/** What an error of ioredis, of Redis or of the socket means (see `QueueStore.classify`). */
export function classify(error: unknown): QueueErrorCode {
  if (isQueueError(error)) return error.code;
  if (!(error instanceof Error)) return 'rejected';
  const { name, message, code } = error as NodeJS.ErrnoException;
  if (name === 'ReplyError') return REPLIES.find(([pattern]) => pattern.test(message))?.[1] ?? 'rejected';
  if (NOT_SENT.test(message) || code === 'ECONNREFUSED' || code === 'ENOTFOUND') return 'unavailable';
  // Whatever else ends a call in flight: a connection that closed, a deadline.
  return 'unknown-outcome';
}
