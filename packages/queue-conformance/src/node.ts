import { describe, test } from 'node:test';
import type { ConformanceHarness } from './harness.ts';
import { registerTests } from './test-registry.ts';

/** In each area, and so many areas. `true` would be all there are, and cases wait for real time to pass. */
const AT_ONCE = 3;

/** Runs the kit as tests of Node.js' own runner. Call it at the top of a test file. */
export function describeAdapter(name: string, harness: ConformanceHarness): void {
  const concurrency = harness.concurrent === true ? AT_ONCE : false;
  const group = (title: string, body: () => void) => void describe(title, { concurrency }, body);
  registerTests({ describe: group, test }, name, harness);
}
