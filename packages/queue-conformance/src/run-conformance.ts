import { conformanceCases } from './cases/conformance-cases.ts';
import type { ConformanceHarness } from './harness.ts';
import { readCapabilities } from './read-capabilities.ts';
import type { CaseResult, ConformanceReport } from './report.ts';
import { runCase } from './run-case.ts';
import { skipProblems } from './skips.ts';

/** Which cases to run. */
export interface ConformanceSelection {
  /** Ids, or areas (`leases`). Default: all. An id or area that does not exist is an error. */
  readonly only?: readonly string[];
}

/**
 * Runs the kit without a test runner, one case after the other. Rejects when the store cannot be reached at all;
 * everything else is in the report.
 */
export async function runConformance(
  harness: ConformanceHarness,
  { only }: ConformanceSelection = {},
): Promise<ConformanceReport> {
  const selected = only === undefined ? conformanceCases : only.flatMap(casesNamed);
  const capabilities = await readCapabilities(harness);
  const problems = skipProblems(harness.skips ?? [], conformanceCases);
  const results: CaseResult[] = [];
  for (const subject of selected) results.push(await runCase(subject, harness));
  const passed = problems.length === 0 && results.every(({ outcome }) => outcome !== 'failed');
  return { store: harness.adapter.store, passed, capabilities, problems, results };
}

function casesNamed(idOrArea: string) {
  const found = conformanceCases.filter(({ id }) => id === idOrArea || id.startsWith(`${idOrArea}/`));
  if (found.length === 0) throw new TypeError(`'${idOrArea}' is neither a case nor an area of this kit.`);
  return found;
}
