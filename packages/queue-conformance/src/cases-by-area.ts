import { conformanceCases } from './cases/conformance-cases.ts';
import type { ConformanceCase } from './conformance-case.ts';

/** The cases by area, in the order of the kit. */
export function casesByArea(): ReadonlyMap<string, readonly ConformanceCase[]> {
  return Map.groupBy(conformanceCases, ({ id }) => id.slice(0, id.indexOf('/')));
}
