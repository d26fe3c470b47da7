import type { Message } from '@aws-sdk/client-sqs';
import type { Envelope } from './envelope.ts';

/**
 * How many ms are left until a job is due, by the clock of SQS alone (rule 26), or 0. Never too few: what the time is at
 * SQS is known by the first receive of a message, to the millisecond, or by the date of an answer, rounded down.
 */
export function msUntilDue({ Attributes = {} }: Message, envelope: Envelope, serverTime: number): number {
  const { dueAt = dueAtOf(Attributes, envelope) } = envelope;
  if (dueAt === undefined) return 0;
  return Math.max(0, dueAt - Math.max(serverTime, Number(Attributes.ApproximateFirstReceiveTimestamp ?? 0)));
}

/**
 * Whether somebody received it before its job was due. SQS has counted that, and it was no attempt: such a message is sent
 * anew, also once it is due.
 */
export function cameEarly({ Attributes = {} }: Message, envelope: Envelope): boolean {
  const { dueAt = dueAtOf(Attributes, envelope) } = envelope;
  return dueAt !== undefined && Number(Attributes.ApproximateFirstReceiveTimestamp ?? Infinity) < dueAt;
}

/** When a job is due that was sent with a delay longer than SQS can wait. */
export function dueAtOf(attributes: Message['Attributes'], { delayMs }: Envelope): number | undefined {
  return delayMs === undefined ? undefined : Number(attributes?.SentTimestamp) + delayMs;
}
