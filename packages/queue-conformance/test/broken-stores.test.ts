import { conformanceCases, runCase } from '@switchyard/queue-conformance';
import { describe, expect, test } from 'vitest';
import { breakStore } from './broken/break-store.ts';
import { shelf } from './broken/shelf.ts';
import { harnessOf } from './honest/harness-of.ts';

/** The stores underneath are fast, so that their broken versions need not be waited for as long as a broken server. */
const TIME_SCALE = 0.25;

describe('the kit rejects a store that', () => {
  test.concurrent.each(shelf)('$does', { timeout: 120_000 }, async ({ base = 'memory', flaw, caughtBy }) => {
    const cases = conformanceCases.filter(({ id }) => caughtBy.includes(id));
    const results = await Promise.all(
      cases.map(subject => {
        const honest = harnessOf[base]();
        const adapter = breakStore(honest.adapter, flaw);
        return runCase(subject, { ...honest, adapter, timeScale: TIME_SCALE });
      }),
    );
    expect(results.map(({ id, outcome }) => `${id} ${outcome}`).toSorted()).toEqual(
      caughtBy.map(id => `${id} failed`).toSorted(),
    );
  });
});
