import type { JobDelivery } from '@switchyard/queue-api';
import { decodeNote, encodeNote, recordError } from './note.ts';

/** The note of a job whose attempt has failed: one failure more on record. */
export function failureNote(delivery: JobDelivery, error: Error): string {
  const { failures, crashes } = decodeNote(delivery.note);
  return encodeNote({ failures: failures + 1, crashes, error: recordError(error), at: new Date().toISOString() });
}

/** The note of a job, or of a message that is none, on its way into the dead letters. */
export function obituary(delivery: JobDelivery | undefined, error: Error, attempts: number): string {
  const { failures, crashes } = decodeNote(delivery?.note);
  return encodeNote({ failures, crashes, error: recordError(error), at: new Date().toISOString(), attempts });
}
