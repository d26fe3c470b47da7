import type { ConformanceCase } from './conformance-case.ts';

/** A deviation from the contract that a store admits to. */
export interface Skip {
  /** A case's id, e.g. `leases/expiry-redelivers`. */
  readonly id: string;
  /** What the store does instead, and why. */
  readonly reason: string;
}

/**
 * What is wrong with a list of skips: ids that no case has, doubles, and reasons that say nothing. That a skipped case
 * passes is found by running it.
 */
export function skipProblems(skips: readonly Skip[], cases: readonly ConformanceCase[]): string[] {
  const known = new Set(cases.map(({ id }) => id));
  const seen = new Set<string>();
  return skips.flatMap(({ id, reason }) => {
    const problems: string[] = [];
    if (!known.has(id)) problems.push(`skips names '${id}', which is not a case of this kit.`);
    if (seen.has(id)) problems.push(`skips names '${id}' twice.`);
    if (reason.trim() === '') problems.push(`skips gives no reason for '${id}'.`);
    seen.add(id);
    return problems;
  });
}
