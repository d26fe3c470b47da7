import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { AdapterReport, QueueStore } from '@switchyard/queue-api';
import { type ConformanceHarness, configSection } from '../harness.ts';

/** Dead-letter caps that no case reaches. */
const DEAD_LETTERS = { maxAgeMs: 24 * 60 * 60 * 1000, maxCount: 10_000 };

/**
 * Connects as the engine does: the section goes through the adapter's schema first. `onReport` gets what the adapter
 * has to say meanwhile.
 */
export async function connect(
  harness: ConformanceHarness,
  onReport: (report: AdapterReport) => void,
): Promise<QueueStore> {
  const { adapter } = harness;
  const checked = await adapter.config['~standard'].validate(await configSection(harness));
  if (checked.issues) {
    const issues = checked.issues.map(({ message, path = [] }) => `${pathOf(path)}: ${message}`);
    assert.fail(`the adapter's schema refuses the harness' config: ${issues.join('; ')}`);
  }
  return adapter.connect(checked.value, {
    instance: `kit-${randomUUID()}`,
    deadLetters: DEAD_LETTERS,
    report: onReport,
  });
}

function pathOf(path: readonly (PropertyKey | { readonly key: PropertyKey })[]): string {
  return path.length === 0
    ? '(section)'
    : path.map(step => String(typeof step === 'object' ? step.key : step)).join('.');
}
