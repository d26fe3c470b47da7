import type { Subject } from './contestant.ts';

/** One number worth comparing. */
export interface Measure {
  readonly name: string;
  readonly unit: 'per second' | 'ms' | 'MiB' | 'CPU ms' | '%';
  readonly value: number;
}

/** A way to load a queue; yields its measures, or none when the library lacks what it takes. */
export interface Workload {
  readonly name: string;
  /** Of the topic, where the store has such a thing; 6 if not said. */
  readonly partitions?: number;
  run(subject: Subject): Promise<readonly Measure[]>;
}

/** About 100 bytes as JSON, like most jobs: ids and a few words. */
export function payload(number: number): unknown {
  return { number, user: 'user-0123456789', template: 'welcome', locale: 'en-GB', at: '2026-01-01T00:00:00.000Z' };
}

export function perSecond(count: number, ms: number): number {
  return count / (ms / 1000);
}

/** The value below which the given share of the sorted samples lies. */
export function percentile(samples: readonly number[], share: number): number {
  const sorted = [...samples].toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}
