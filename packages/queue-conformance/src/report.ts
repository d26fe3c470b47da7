import type { StoreCapabilities } from '@switchyard/queue-api';

/**
 * How a case ended. `passed`, `failed`; `not-applicable`: the store does not claim what the case is about; `deviation`:
 * it failed, and the harness' skips admit it.
 */
export type CaseOutcome = 'passed' | 'failed' | 'not-applicable' | 'deviation';

/** One line of the report. */
export interface CaseResult {
  readonly id: string;
  readonly title: string;
  readonly level: 'store' | 'queue';
  readonly rules: readonly number[];
  readonly outcome: CaseOutcome;
  /** Why the case does not apply, or the skip's reason. */
  readonly reason?: string;
  /** What went wrong: set when `failed`, and when a `deviation` shows. */
  readonly error?: string;
  readonly durationMs: number;
}

/** What a store has shown; plain JSON. */
export interface ConformanceReport {
  readonly store: string;
  /** No case failed and the skips are in order. */
  readonly passed: boolean;
  readonly capabilities: StoreCapabilities;
  /** What is wrong with the list of skips. */
  readonly problems: readonly string[];
  readonly results: readonly CaseResult[];
}
