import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import type { NewJob } from '@switchyard/queue-api';
import { escapeText, isRefused, unescapeText } from './message-text.ts';

/** What is in a message. The body is the job's body, for people to read; all else is JSON in one attribute. */
export interface Envelope {
  readonly id: string;
  readonly priority: number;
  readonly headers: Readonly<Record<string, string>>;
  /** As the job's, unless `escaped`. */
  readonly text: string;
  readonly escaped: boolean;
  /** The whole delay in ms, counted from when this message was sent: it is longer than SQS can wait. */
  readonly delayMs?: number;
  /** Of a copy: when the job was added, when it is due, and how often it was handed out before. By the server's clock. */
  readonly addedAt?: number;
  readonly dueAt?: number;
  readonly attempts?: number;
}

export const ENVELOPE_ATTRIBUTE = 'switchyard';

/** What the attribute holds. Left out: what is as it mostly is. */
interface Written {
  readonly v: 1;
  readonly id: string;
  readonly priority: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly escaped?: true;
  readonly delayMs?: number;
  readonly addedAt?: number;
  readonly dueAt?: number;
  readonly attempts?: number;
}

export function envelopeOf({ id, priority, headers, body }: NewJob): Envelope {
  const escaped = isRefused(body);
  return { id, priority, headers, text: escaped ? escapeText(body) : body, escaped };
}

/** The job's body. */
export function bodyOf({ text, escaped }: Envelope): string {
  return escaped ? unescapeText(text) : text;
}

export function writeEnvelope({ text: _text, escaped, id, priority, headers, ...rest }: Envelope): string {
  const written: Written = { v: 1, id, priority, headers, ...(escaped && { escaped }), ...rest };
  // JSON escapes all other characters that SQS refuses.
  return JSON.stringify(written).replaceAll(/[\ufffe\uffff]/g, character =>
    character === '\ufffe' ? '\\ufffe' : '\\uffff',
  );
}

/** `undefined` for what this adapter has not written, or a later version of it that writes otherwise. */
export function readEnvelope(
  text: string,
  attributes: Readonly<Record<string, MessageAttributeValue>> | undefined,
): Envelope | undefined {
  const attribute = attributes?.[ENVELOPE_ATTRIBUTE]?.StringValue;
  if (attribute === undefined) return undefined;
  try {
    const { v, escaped = false, ...written } = JSON.parse(attribute) as Written;
    if (v !== 1 || !isWhole(written)) return undefined;
    return { ...written, text, escaped };
  } catch {
    return undefined;
  }
}

const LATEST_TIME = 8.64e15;

function isWhole({ id, priority, headers, delayMs, addedAt, dueAt, attempts }: Omit<Written, 'v'>): boolean {
  return (
    [delayMs, addedAt, dueAt, attempts].every(isAmount) &&
    typeof id === 'string' &&
    Number.isInteger(priority) &&
    typeof headers === 'object' &&
    headers !== null &&
    Object.values(headers).every(value => typeof value === 'string')
  );
}

function isAmount(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && Number(value) >= 0 && Number(value) <= LATEST_TIME);
}
