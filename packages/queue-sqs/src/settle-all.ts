import type { Outcome } from '@switchyard/queue-api';
import { classify } from './classify.ts';
import { BATCH_ENTRIES } from './limits.ts';

/**
 * Makes one request for each batch, all at once, and puts the answers together. A request that fails speaks for its own
 * entries only; if all fail in the same way, so does this, with the error of the first.
 */
export async function settleAll<Entry>(
  batches: readonly (readonly Entry[])[],
  request: (batch: readonly Entry[]) => Promise<readonly Outcome[]>,
): Promise<Outcome[]> {
  const answers = await Promise.allSettled(batches.map(request));
  const failures = answers.filter(answer => answer.status === 'rejected');
  const isOfOneMind = new Set(failures.map(({ reason }) => classify(reason))).size === 1;
  if (isOfOneMind && failures.length === answers.length) throw failures[0]?.reason;
  return answers.flatMap((answer, index) =>
    answer.status === 'fulfilled' ? answer.value : (batches[index] ?? []).map(() => outcomeOf(answer.reason)),
  );
}

/** What an error says about each entry that it speaks for. */
export function outcomeOf(error: unknown): Outcome {
  return { ok: false, code: classify(error), message: error instanceof Error ? error.message : String(error) };
}

/** Splits a list into runs that fit into a request. */
export function inTens<Entry>(entries: readonly Entry[]): (readonly Entry[])[] {
  const batches: (readonly Entry[])[] = [];
  for (let start = 0; start < entries.length; start += BATCH_ENTRIES) {
    batches.push(entries.slice(start, start + BATCH_ENTRIES));
  }
  return batches;
}
