import { conformanceCases, runCase } from '@switchyard/queue-conformance';
import { describe, expect, test } from 'vitest';
import { breakEngine } from './broken/break-engine.ts';
import { brokenEngines } from './broken/engines.ts';
import { harnessOf } from './honest/harness-of.ts';

describe('the kit rejects an engine that', () => {
  test.concurrent.each(brokenEngines)('$does', { timeout: 120_000 }, async ({ base = 'memory', flaw, caughtBy }) => {
    const cases = conformanceCases.filter(({ id }) => caughtBy.includes(id));
    const harness = { ...harnessOf[base](), timeScale: 0.25 };
    const results = await Promise.all(cases.map(subject => runCase(subject, harness, breakEngine(flaw))));
    expect(results.map(({ id, outcome }) => `${id} ${outcome}`).toSorted()).toEqual(
      caughtBy.map(id => `${id} failed`).toSorted(),
    );
  });
});
