import type { JobDelivery, NewJob } from '@switchyard/queue-api';

/** What a job is stored as: `1 <added at, ms> <priority> <headers as JSON>`, a line feed, and the body as it came. */
const HEAD = /^1 (\d+) (-?\d+) (\{.*\})$/s;

/** What follows the priority: the script that stores the job knows when that is. */
export function envelopeTail({ headers, body }: NewJob): string {
  return ` ${JSON.stringify(headers)}\n${body}`;
}

export type Envelope = Pick<JobDelivery, 'enqueuedAt' | 'priority' | 'headers' | 'body'>;

/** `undefined` for what this adapter has not written. */
export function readEnvelope(text: string): Envelope | undefined {
  const end = text.indexOf('\n');
  const [, enqueuedAt, priority, headers] = HEAD.exec(text.slice(0, Math.max(0, end))) ?? [];
  if (headers === undefined) return undefined;
  try {
    return {
      enqueuedAt: Number(enqueuedAt),
      priority: Number(priority),
      headers: JSON.parse(headers) as Record<string, string>,
      body: text.slice(end + 1),
    };
  } catch {
    return undefined;
  }
}
