import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { type Envelope, ENVELOPE_ATTRIBUTE, writeEnvelope } from './envelope.ts';
import type { Lease } from './lease.ts';
import { MESSAGE_ATTRIBUTES } from './limits.ts';
import { messageOf, type OutgoingMessage, textAttribute } from './message.ts';
import { escapeText } from './message-text.ts';

type Attributes = Readonly<Record<string, MessageAttributeValue>>;

/**
 * A message for the dead letters: the same body, the same attributes, and beside them the note (with the error), how often it
 * was handed out, and when it was added and died. Moved back into the queue by hand, a job starts anew.
 *
 * What does not fit is left out, the note first: the message itself always fits, it came from SQS.
 */
export function deadLetterOf(lease: Lease, note: string, maxBytes: number): OutgoingMessage {
  const { envelope, message } = lease;
  const own = envelope === undefined ? (message.MessageAttributes ?? {}) : envelopeAttribute(envelope);
  const times: Attributes = {
    'switchyard.attempts': { DataType: 'Number', StringValue: String(lease.attempt) },
    'switchyard.added-at': textAttribute(new Date(lease.addedAt).toISOString()),
    'switchyard.died-at': textAttribute(new Date().toISOString()),
  };
  const noted: Attributes = note === '' ? times : { ...times, 'switchyard.note': textAttribute(escapeText(note)) };
  const candidates = [noted, times, {}].map(more => messageOf(message.Body ?? '', { ...own, ...more }, 0));
  const fits = ({ attributes, bytes }: OutgoingMessage) =>
    bytes <= maxBytes && Object.keys(attributes).length <= MESSAGE_ATTRIBUTES;
  return candidates.find(fits) ?? messageOf(message.Body ?? '', own, 0);
}

function envelopeAttribute({ delayMs: _delay, dueAt: _due, attempts: _attempts, ...envelope }: Envelope): Attributes {
  return { [ENVELOPE_ATTRIBUTE]: textAttribute(writeEnvelope(envelope)) };
}
