import type { JobDelivery, NewJob } from '@switchyard/queue-api';

export type Envelope = Pick<JobDelivery, 'headers' | 'body'>;

/**
 * What a job is stored as. Its body is a text within the JSON, never JSON of its own: `jsonb` would reorder its keys,
 * shorten its numbers, and refuse `\u0000`.
 */
export function writeEnvelope({ headers, body }: NewJob): string {
  return JSON.stringify({ headers: JSON.stringify(headers), body });
}

/** `undefined` for what this adapter has not written. */
export function readEnvelope(data: unknown): Envelope | undefined {
  if (typeof data !== 'object' || data === null) return undefined;
  const { headers, body, ...others } = data as Record<string, unknown>;
  if (typeof headers !== 'string' || typeof body !== 'string' || Object.keys(others).length > 0) return undefined;
  try {
    return { headers: JSON.parse(headers) as Record<string, string>, body };
  } catch {
    return undefined;
  }
}

/** The engine's note, in the column where pg-boss keeps what became of a job. */
export function writeNote(note: string): string {
  return JSON.stringify({ note: JSON.stringify(note) });
}

export function readNote(output: unknown): string | undefined {
  const { note } = (output ?? {}) as { note?: unknown };
  if (typeof note !== 'string') return undefined;
  try {
    return JSON.parse(note) as string;
  } catch {
    return undefined;
  }
}
