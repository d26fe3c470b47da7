import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { ENVELOPE_ATTRIBUTE, type Envelope, writeEnvelope } from './envelope.ts';

/** A message on its way to SQS. */
export interface OutgoingMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
  /** Whole seconds until it can be received. */
  readonly delaySeconds: number;
  /** As SQS counts: body, and names, types and values of attributes, in UTF-8. */
  readonly bytes: number;
}

export function messageOf(
  body: string,
  attributes: Readonly<Record<string, MessageAttributeValue>>,
  delaySeconds: number,
): OutgoingMessage {
  return { body, attributes, delaySeconds, bytes: Buffer.byteLength(body) + bytesOf(attributes) };
}

/** A job's message. */
export function jobMessage(envelope: Envelope, delaySeconds: number): OutgoingMessage {
  return messageOf(envelope.text, { [ENVELOPE_ATTRIBUTE]: textAttribute(writeEnvelope(envelope)) }, delaySeconds);
}

export function textAttribute(text: string): MessageAttributeValue {
  return { DataType: 'String', StringValue: text };
}

function bytesOf(attributes: Readonly<Record<string, MessageAttributeValue>>): number {
  let bytes = 0;
  for (const [name, { DataType = '', StringValue = '', BinaryValue }] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(DataType) + Buffer.byteLength(StringValue);
    bytes += BinaryValue?.byteLength ?? 0;
  }
  return bytes;
}
