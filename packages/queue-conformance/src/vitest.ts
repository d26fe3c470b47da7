import { describe, test } from 'vitest';
import type { ConformanceHarness } from './harness.ts';
import { registerTests } from './test-registry.ts';

/** Runs the kit as vitest tests. Call it at the top of a test file. */
export function describeAdapter(name: string, harness: ConformanceHarness): void {
  registerTests({ describe: harness.concurrent === true ? describe.concurrent : describe, test }, name, harness);
}
