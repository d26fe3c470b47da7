import type { StoreCapabilities } from '@switchyard/queue-api';
import type { QueueContext } from './queue/queue-context.ts';
import type { StoreContext } from './store/store-context.ts';

/** One sentence of the contract, with the proof. Cases are data: they know no test runner. */
export type ConformanceCase = StoreCase | QueueCase;

/** A case that calls the adapter directly, as the engine would. */
export interface StoreCase extends CaseDescription {
  readonly level: 'store';
  run(context: StoreContext): Promise<void>;
}

/** A case that goes through the engine, as an application would. */
export interface QueueCase extends CaseDescription {
  readonly level: 'queue';
  run(context: QueueContext): Promise<void>;
}

export interface CaseDescription {
  /** `area/slug`; what skips and reports name. */
  readonly id: string;
  /** A sentence that is true of a store that passes. */
  readonly title: string;
  /** The rules of the contract that it is about. */
  readonly rules: readonly number[];
  /** Does the case apply to such a store? `true`, or the reason why not. Absent: it applies to every store. */
  readonly requires?: (capabilities: StoreCapabilities) => true | string;
  /** Milliseconds the case may take before scaling. Default 30,000. */
  readonly deadlineMs?: number;
}

/** Marks cases as going to the adapter directly. */
export function storeCases(cases: readonly Omit<StoreCase, 'level'>[]): readonly StoreCase[] {
  return cases.map(subject => ({ ...subject, level: 'store' }));
}

/** Marks cases as going through the engine. */
export function queueCases(cases: readonly Omit<QueueCase, 'level'>[]): readonly QueueCase[] {
  return cases.map(subject => ({ ...subject, level: 'queue' }));
}
