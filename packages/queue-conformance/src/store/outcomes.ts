import assert from 'node:assert/strict';
import type { Outcome } from '@switchyard/queue-api';

/** Asserts that a call answered one outcome per entry, and all of them `ok`. */
export function assertOk(outcomes: readonly Outcome[], count: number, call: string): void {
  assert.equal(outcomes.length, count, `${call}: one outcome per entry`);
  const refused = outcomes.filter(outcome => !outcome.ok);
  assert.deepEqual(refused, [], `${call}: every entry is taken`);
}

/** Asserts that a call answered `lease-lost` to every entry. */
export function assertLeaseLost(outcomes: readonly Outcome[], count: number, call: string): void {
  assert.deepEqual(summary(outcomes), Array(count).fill('lease-lost'), call);
}

/** Outcomes as words: `ok`, or the code of the refusal. */
export function summary(outcomes: readonly Outcome[]): string[] {
  return outcomes.map(outcome => (outcome.ok ? 'ok' : outcome.code));
}
