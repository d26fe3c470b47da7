export { capabilityTable } from './capability-table.ts';
export { conformanceCases } from './cases/conformance-cases.ts';
export type { CaseDescription, ConformanceCase, QueueCase, StoreCase } from './conformance-case.ts';
export type { ConformanceHarness } from './harness.ts';
export type { CaseOutcome, CaseResult, ConformanceReport } from './report.ts';
export { runCase } from './run-case.ts';
export { runConformance } from './run-conformance.ts';
export type { ConformanceSelection } from './run-conformance.ts';
export type { Skip } from './skips.ts';
