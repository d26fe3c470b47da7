import type { StandardSchemaV1 } from './standard-schema.ts';

/**
 * Each package can be installed in two versions side by side, and each version as ESM and CommonJS: errors are
 * recognised by this marker and their `code`, never by `instanceof`.
 */
const MARKER = Symbol.for('switchyard.queue-error');

/** The error classes by their code: what {@link isQueueError} narrows to. */
export interface QueueErrorsByCode {
  'invalid-config': QueueConfigError;
  'invalid-argument': InvalidArgumentError;
  'invalid-payload': InvalidPayloadError;
  'payload-too-large': PayloadTooLargeError;
  'unsupported-option': UnsupportedOptionError;
  'invalid-state': InvalidStateError;
  unavailable: QueueUnavailableError;
  'bulk-add': BulkAddError;
  'unknown-outcome': StoreError;
  throttled: StoreError;
  denied: StoreError;
  rejected: StoreError;
  'lease-lost': LeaseLostError;
  timeout: JobTimeoutError;
  shutdown: QueueShutdownError;
  crashed: JobCrashedError;
  unreadable: UnreadableJobError;
}

/** Every code an error of this project can carry. `docs/errors.md` has a line on each. */
export type QueueErrorCode = keyof QueueErrorsByCode;

/** What all errors of this project can say about where they happened. */
export interface QueueErrorDetails {
  readonly queue?: string;
  readonly jobId?: string;
  /** The error underneath, untouched. */
  readonly cause?: unknown;
}

/** The family: `error.code` says what happened, the message says what to do. */
export class QueueError extends Error {
  readonly code: QueueErrorCode;
  declare readonly queue?: string;
  declare readonly jobId?: string;

  constructor(code: QueueErrorCode, message: string, details: QueueErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.name = new.target.name;
    this.code = code;
    if (details.queue !== undefined) this.queue = details.queue;
    if (details.jobId !== undefined) this.jobId = details.jobId;
    Object.defineProperty(this, MARKER, { value: true });
  }
}

/** Is this an error of ours, whichever copy of the package made it? With a `code`: is it that one? */
export function isQueueError(error: unknown): error is QueueError;
export function isQueueError<C extends QueueErrorCode>(error: unknown, code: C): error is QueueErrorsByCode[C];
export function isQueueError(error: unknown, code?: QueueErrorCode): boolean {
  if (typeof error !== 'object' || error === null || !Object.hasOwn(error, MARKER)) return false;
  return code === undefined || (error as QueueError).code === code;
}

/** The configuration cannot work: a key is wrong or missing, a store is unknown, or its package is not installed. */
export class QueueConfigError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('invalid-config', message, details);
  }
}

/** A name or an option is out of range. Nothing was sent. */
export class InvalidArgumentError extends QueueError {
  /** The argument, e.g. `delay`. */
  readonly field: string;

  constructor(field: string, message: string, details?: QueueErrorDetails) {
    super('invalid-argument', message, details);
    this.field = field;
  }
}

/** The payload is not faithful JSON (rule 4) or does not match the queue's schema (rule 20). Nothing was sent. */
export class InvalidPayloadError extends QueueError {
  /** Where in the payload, e.g. `payload.items[2].price`. */
  readonly path: string;
  /** What the schema objected to; absent where JSON itself did. */
  declare readonly issues?: readonly StandardSchemaV1.Issue[];

  constructor(
    path: string,
    message: string,
    details: QueueErrorDetails & { readonly issues?: readonly StandardSchemaV1.Issue[] } = {},
  ) {
    super('invalid-payload', message, details);
    this.path = path;
    if (details.issues !== undefined) this.issues = details.issues;
  }
}

/** The payload is larger than the store can carry (rule 6). Nothing was sent. */
export class PayloadTooLargeError extends QueueError {
  /** Bytes of UTF-8. */
  readonly size: number;
  /** The most the store takes, in bytes of UTF-8. */
  readonly limit: number;

  constructor(size: number, limit: number, message: string, details?: QueueErrorDetails) {
    super('payload-too-large', message, details);
    this.size = size;
    this.limit = limit;
  }
}

/** The store cannot honour an option, and `unsupportedOptions` is `error`, or ignoring it would break a promise. */
export class UnsupportedOptionError extends QueueError {
  readonly option: string;

  constructor(option: string, message: string, details?: QueueErrorDetails) {
    super('unsupported-option', message, details);
    this.option = option;
  }
}

/** The call does not fit the queue's state: a second `process`, a call on a closed service. */
export class InvalidStateError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('invalid-state', message, details);
  }
}

/** The store could not be reached in time. */
export class QueueUnavailableError extends QueueError {
  /** `not-stored`: adding again is safe; `unknown`: the job may be stored, adding again may run it twice (rule 7). */
  readonly outcome: 'not-stored' | 'unknown';

  constructor(outcome: 'not-stored' | 'unknown', message: string, details?: QueueErrorDetails) {
    super('unavailable', message, details);
    this.outcome = outcome;
  }
}

/** Some entries of an `addBulk` are stored and some are not. */
export class BulkAddError extends QueueError {
  /** In the order of the call: the id of a job that is stored, or the error of one that is not. */
  readonly results: readonly (string | QueueError)[];

  constructor(results: readonly (string | QueueError)[], message: string, details?: QueueErrorDetails) {
    super('bulk-add', message, details);
    this.results = results;
  }
}

/** The store answered and refused. `code` says why: `denied`, `throttled`, `rejected`, `unknown-outcome`. */
export class StoreError extends QueueError {
  constructor(
    code: 'denied' | 'throttled' | 'rejected' | 'unknown-outcome',
    message: string,
    details?: QueueErrorDetails,
  ) {
    super(code, message, details);
  }
}

/** Abort reason: the job now belongs to another worker, or may (rules 13 and 15). */
export class LeaseLostError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('lease-lost', message, details);
  }
}

/** Abort reason, and the error of an attempt that took longer than `timeout`. */
export class JobTimeoutError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('timeout', message, details);
  }
}

/** Abort reason: `shutdownTimeout` is over and the job is handed back. */
export class QueueShutdownError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('shutdown', message, details);
  }
}

/** The job's process died, again and again, before an attempt ended. `cause` is the last failure on record, if any. */
export class JobCrashedError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('crashed', message, details);
  }
}

/** A message in the queue is not one of ours, or its body is not JSON (rule 19). */
export class UnreadableJobError extends QueueError {
  constructor(message: string, details?: QueueErrorDetails) {
    super('unreadable', message, details);
  }
}
