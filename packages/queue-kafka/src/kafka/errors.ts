import { GenericError, protocolErrorsCodesById, ResponseError } from '@platformatic/kafka';

/** What a broker calls a failure: `NOT_COORDINATOR`, `TOPIC_AUTHORIZATION_FAILED` … */
export type BrokerCode = string;

/** Brokers say what they deny, and not what would have to be allowed. Of topics whoever asked knows more. */
const MISSING_RIGHTS: Readonly<Record<BrokerCode, string | undefined>> = {
  GROUP_AUTHORIZATION_FAILED: 'allow Read on the group',
  TOPIC_AUTHORIZATION_FAILED: 'allow Describe on the topic',
};

/** A broker has answered with an error code. */
export class BrokerError extends Error {
  readonly code: BrokerCode;

  constructor(what: string, code: BrokerCode, detail?: string | null, cause?: unknown) {
    const said = detail || MISSING_RIGHTS[code];
    super(`Kafka refused ${what}: ${code}${said ? ` (${said})` : ''}`, cause === undefined ? undefined : { cause });
    this.name = 'BrokerError';
    this.code = code;
  }
}

/** Nothing was sent: there was no connection. */
export class NotSentError extends Error {
  constructor(what: string, cause: unknown) {
    super(`${what} was not sent: ${messageOf(cause)}`, { cause });
    this.name = 'NotSentError';
  }
}

/** It was sent, or may have been, and no answer came. */
export class NoAnswerError extends Error {
  constructor(what: string, cause: unknown) {
    super(`Kafka did not answer ${what}: ${messageOf(cause)}`, { cause });
    this.name = 'NoAnswerError';
  }
}

export function nameOfCode(code: number): BrokerCode {
  return (protocolErrorsCodesById as Record<number, string | undefined>)[code] ?? `error code ${code}`;
}

/** The code that an error carries, if a broker has said one. */
export function brokerCodeOf(error: unknown): BrokerCode | undefined {
  return error instanceof BrokerError ? error.code : undefined;
}

/** An error of the library, after a request was handed to a connection. */
export function answerError(what: string, error: unknown): Error {
  if (error instanceof ResponseError) {
    const [first] = error.errors as readonly { readonly apiId?: string; readonly serverErrorMessage?: string | null }[];
    return new BrokerError(what, first?.apiId ?? 'UNKNOWN_SERVER_ERROR', first?.serverErrorMessage, error);
  }
  return new NoAnswerError(what, error);
}

/** The library throws answers that hold an error for any of their parts; here parts speak for themselves. */
export function answerWithin(error: unknown): unknown {
  const cause = error instanceof BrokerError ? error.cause : error;
  if (!(cause instanceof ResponseError)) return undefined;
  return (cause as { readonly response?: unknown }).response;
}

/** Wrong credentials, and mechanisms that the broker does not have: waiting heals neither. */
export function isAuthenticationError(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (GenericError.isGenericError(cause) && cause.code === 'PLT_KFK_AUTHENTICATION') return true;
  }
  return false;
}

function messageOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const underneath = cause.cause instanceof Error ? cause.cause.message : '';
  return underneath === '' || cause.message.includes(underneath) ? cause.message : `${cause.message} (${underneath})`;
}
