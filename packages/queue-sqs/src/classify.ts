import { isQueueError, type QueueErrorCode } from '@switchyard/queue-api';

/** The call was not answered in time: it may have been carried out. */
export class CallTimeoutError extends Error {
  constructor(action: string, timeoutMs: number) {
    super(`SQS did not answer ${action} within ${timeoutMs} ms`);
    this.name = 'CallTimeoutError';
  }
}

/** By the code of an error, or of an entry of a batch, without the namespace in front of it. */
const CODES: readonly (readonly [RegExp, QueueErrorCode])[] = [
  [/^(ReceiptHandleIsInvalid|MessageNotInflight)$/, 'lease-lost'],
  [/Throttl|^(TooManyRequests(Exception)?|RequestLimitExceeded|OverLimit)$/, 'throttled'],
  [/AccessDenied|^(UnrecognizedClient(Exception)?|InvalidClientTokenId|InvalidAccessKeyId|NotAuthorized)$/, 'denied'],
  [/^(SignatureDoesNotMatch|InvalidSignature(Exception)?|IncompleteSignature|MissingAuthenticationToken)$/, 'denied'],
  [
    /^(MissingAuthenticationTokenException|AuthFailure|InvalidSecurity|OptInRequired|ExpiredToken(Exception)?)$/,
    'denied',
  ],
  [/^(BatchRequestTooLong|MessageTooLong)$/, 'payload-too-large'],
  // Where one is missing it is made, or somebody is asked to. For a minute after a queue was deleted its name is taken.
  [/^(QueueDoesNotExist|NonExistentQueue|QueueDeletedRecently)$/, 'unavailable'],
  [/^(ServiceUnavailable(Exception)?|Unavailable|SlowDown|CredentialsProviderError)$/, 'unavailable'],
  [/^(InternalError|InternalFailure|InternalServerError|RequestTimeout|RequestExpired)$/, 'unknown-outcome'],
];

/** Codes that stand for several things; the message says which. */
const MESSAGES: readonly (readonly [RegExp, QueueErrorCode])[] = [
  [/receipt ?handle.*(invalid|expired|not valid)/i, 'lease-lost'],
  [/MessageTooLong|must be shorter than/i, 'payload-too-large'],
];

/** Said before anything was sent. */
const NOT_SENT =
  /did not establish a connection|Could not load credentials|ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|connect ETIMEDOUT|CERT_|_CERT/;

/** What SQS calls an error that is about visibility and its twelve hours. */
export function isBeyondTwelveHours(message: string | undefined): boolean {
  return /Total VisibilityTimeout/i.test(message ?? '');
}

/** Is it the queue itself that is not there? */
export function isQueueMissing(error: unknown): boolean {
  return error instanceof Error && /^(QueueDoesNotExist|.*NonExistentQueue)$/.test(error.name);
}

/** What SQS says by a code and a message: `undefined` for what it may say tomorrow. */
export function codeOf(name: string, message = ''): QueueErrorCode | undefined {
  const code = name.replace(/^.*[.#]/, '');
  const [, meaning] =
    CODES.find(([pattern]) => pattern.test(code)) ?? MESSAGES.find(([pattern]) => pattern.test(message)) ?? [];
  return meaning;
}

/** What an error of the AWS SDK, of SQS or of the socket means (see `QueueStore.classify`). */
export function classify(error: unknown): QueueErrorCode {
  if (isQueueError(error)) return error.code;
  if (!(error instanceof Error)) return 'rejected';
  const { name, message, code = '', $metadata } = error as SdkError;
  const said = codeOf(name, message);
  if (said !== undefined) return said;
  const status = $metadata?.httpStatusCode;
  if (status === 503) return 'unavailable';
  if (status === 429) return 'throttled';
  if (status === 403) return 'denied';
  if (status !== undefined && status >= 400 && status < 500) return 'rejected';
  if (NOT_SENT.test(`${code} ${message}`)) return 'unavailable';
  // Whatever else ends a call in flight: an error of the server, a connection that closed, a deadline.
  return 'unknown-outcome';
}

interface SdkError extends NodeJS.ErrnoException {
  readonly $metadata?: { readonly httpStatusCode?: number };
}
