import assert from 'node:assert/strict';
import { casesByArea } from './cases-by-area.ts';
import { conformanceCases } from './cases/conformance-cases.ts';
import type { ConformanceHarness } from './harness.ts';
import { runCase } from './run-case.ts';
import { skipProblems } from './skips.ts';

/** The cases have deadlines of their own, which know the store's resolutions; the runner's need only come later. */
const TIMEOUT_MS = 30 * 60 * 1000;

/** What vitest and node:test have in common. */
export interface TestRunner {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly test: (name: string, options: { timeout: number }, body: (context: TestContext) => Promise<void>) => unknown;
}

export interface TestContext {
  /** Marks the running test as skipped. vitest ends it by throwing. */
  skip(reason: string): void;
}

/**
 * Makes a test of every case, grouped by area. A case that does not apply and a deviation that the skips admit show as
 * skipped tests with their reason.
 */
export function registerTests(runner: TestRunner, name: string, harness: ConformanceHarness): void {
  runner.describe(name, () => {
    runner.test('the skips name cases that exist, each with a reason', { timeout: TIMEOUT_MS }, async () => {
      assert.deepEqual(skipProblems(harness.skips ?? [], conformanceCases), []);
    });
    for (const [area, cases] of casesByArea()) {
      runner.describe(area, () => {
        for (const subject of cases) {
          runner.test(`${subject.id}: ${subject.title}`, { timeout: TIMEOUT_MS }, async context => {
            const { outcome, reason = '', error = '' } = await runCase(subject, harness);
            if (outcome === 'failed') assert.fail(error);
            if (outcome === 'not-applicable') context.skip(`not applicable: ${reason}`);
            if (outcome === 'deviation') context.skip(`deviation: ${reason}`);
          });
        }
      });
    }
  });
}
