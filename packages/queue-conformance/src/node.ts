import { describe, test } from 'node:test';
import type { ConformanceHarness } from './harness.ts';
import { registerTests } from './test-registry.ts';

/** Runs the kit as tests of Node.js' own runner. Call it at the top of a test file. */
export function describeAdapter(name: string, harness: ConformanceHarness): void {
  const { concurrent: concurrency = false } = harness;
  const group = (title: string, body: () => void) => void describe(title, { concurrency }, body);
  registerTests({ describe: group, test }, name, harness);
}
