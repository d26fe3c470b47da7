import type { Outcome } from '@switchyard/queue-api';
import { settleAll } from './settle-all.ts';
import { BATCH_ENTRIES } from './limits.ts';
import type { OutgoingMessage } from './message.ts';
import type { QueuePlace, SqsApi } from './sqs-api.ts';

/** Sends any number of messages, none above `maxBytes`, in as few requests as SQS allows, all at once. */
export function sendMessages(
  api: SqsApi,
  place: QueuePlace,
  messages: readonly OutgoingMessage[],
  { timeoutMs, maxBytes }: { readonly timeoutMs: number; readonly maxBytes: number },
): Promise<Outcome[]> {
  return settleAll(batchesOf(messages, maxBytes), batch => api.send(place, batch, timeoutMs));
}

function batchesOf(messages: readonly OutgoingMessage[], maxBytes: number): OutgoingMessage[][] {
  const batches: OutgoingMessage[][] = [];
  let batch: OutgoingMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    if (batch.length === BATCH_ENTRIES || (batch.length > 0 && bytes + message.bytes > maxBytes)) {
      batches.push(batch);
      batch = [];
      bytes = 0;
    }
    batch.push(message);
    bytes += message.bytes;
  }
  if (batch.length > 0) batches.push(batch);
  return batches;
}
