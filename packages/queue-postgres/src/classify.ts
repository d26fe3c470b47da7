import { isQueueError, type QueueErrorCode } from '@switchyard/queue-api';

/** The call was not answered in time: it may have been carried out. */
export class CallTimeoutError extends Error {
  constructor(call: string, timeoutMs: number) {
    super(`PostgreSQL did not answer ${call} within ${timeoutMs} ms`);
    this.name = 'CallTimeoutError';
  }
}

/**
 * What PostgreSQL says, by SQLSTATE or by its class. What it answers with an error it has not carried out, for a statement
 * is a transaction here.
 */
const STATES: readonly (readonly [RegExp, QueueErrorCode])[] = [
  [/^(28|42501)/, 'denied'],
  // Told while it was being carried out that the server or the connection ends: it may have come to its end just before.
  [/^(57P01|57P02|40003|08007)/, 'unknown-outcome'],
  // Out of disk, memory or connections; slow down. Connections that are used up are there again in a moment.
  [/^53300/, 'unavailable'],
  [/^53/, 'throttled'],
  // Connections; read-only after a failover; rolled back by a deadlock or a time-out; shutting down, starting up; locks.
  [/^(08|25006|40|57|55P03|58)/, 'unavailable'],
];

/** Said by node-postgres or its pool before anything was sent. */
const NOT_SENT =
  /timeout exceeded when trying to connect|Connection terminated due to connection timeout|after calling end on the pool/;
const NOT_REACHED = /^(ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|ENOENT)$/;

/** What an error of node-postgres, of PostgreSQL or of the socket means (see `QueueStore.classify`). */
export function classify(error: unknown): QueueErrorCode {
  if (isQueueError(error)) return error.code;
  if (error instanceof AggregateError && error.errors.length > 0) return classify(error.errors[0]);
  if (!(error instanceof Error)) return 'rejected';
  const { message, code = '' } = error as NodeJS.ErrnoException;
  if ('severity' in error) return STATES.find(([pattern]) => pattern.test(code))?.[1] ?? 'rejected';
  if (NOT_REACHED.test(code) || NOT_SENT.test(message)) return 'unavailable';
  // Whatever else ends a call in flight: a connection that closed, a deadline.
  return 'unknown-outcome';
}
