import { conformanceCases, runCase } from '@switchyard/queue-conformance';
import { describe, expect, test } from 'vitest';
import { harnessOf } from './honest/harness-of.ts';

const applied = new Set<string>();

describe.each([
  { what: 'that several connections share', harness: harnessOf.shared() },
  { what: 'that can do little and says so', harness: harnessOf.modest() },
  { what: 'that foreign messages get into', harness: harnessOf.readable() },
])('the kit accepts a store $what', ({ harness }) => {
  test.concurrent.each(conformanceCases)('$id', { timeout: 120_000 }, async subject => {
    const { outcome, error = '' } = await runCase(subject, { ...harness, scale: 0.2 });
    expect(`${outcome} ${error}`).toMatch(/^(passed|not-applicable) $/);
    if (outcome === 'passed') applied.add(subject.id);
  });
});

test('every case of the kit applies to one of these stores', () => {
  expect(conformanceCases.map(({ id }) => id).filter(id => !applied.has(id))).toEqual([]);
});
