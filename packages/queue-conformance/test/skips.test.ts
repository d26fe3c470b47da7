import { conformanceCases, type Skip, runConformance } from '@switchyard/queue-conformance';
import { memoryAdapter } from '@switchyard/queue-memory';
import { describe, expect, test } from 'vitest';
import { breakStore, inDeliveries } from './broken/break-store.ts';

/** A store that has no order, and one case that shows it. */
const unordered = breakStore(
  memoryAdapter,
  inDeliveries(deliveries => deliveries.toReversed()),
);
const CASE = 'ordering/best-first-in-a-batch';

async function runWith(skips: readonly Skip[], only: readonly string[] = [CASE]) {
  const { passed, problems, results } = await runConformance({ adapter: unordered, skips }, { only });
  return { passed, problems, outcomes: results.map(({ outcome }) => outcome), results };
}

describe('a skip', () => {
  test('turns the failure of its case into a deviation that keeps the reason and the error', async () => {
    const { passed, results } = await runWith([{ id: CASE, reason: 'the broker decides' }]);
    expect(passed).toBe(true);
    expect(results).toMatchObject([
      { outcome: 'deviation', reason: 'the broker decides', error: expect.stringContaining('deep-equal') },
    ]);
  });

  test('fails once its case passes', async () => {
    const { passed, results } = await runWith([{ id: 'leases/hold', reason: 'outdated' }], ['leases/hold']);
    expect(passed).toBe(false);
    expect(results).toMatchObject([{ outcome: 'failed', error: expect.stringContaining('remove it') }]);
  });

  test('fails when its case does not apply', async () => {
    const skip = { id: 'capabilities/durable', reason: 'it is not durable' };
    const { passed, results } = await runWith([skip], [skip.id]);
    expect(passed).toBe(false);
    expect(results).toMatchObject([{ outcome: 'failed', error: expect.stringContaining('does not apply') }]);
  });

  test.each([
    { what: 'of a case that does not exist', skip: { id: 'leases/no-such-case', reason: 'because' } },
    { what: 'without a reason', skip: { id: CASE, reason: ' ' } },
  ])('$what fails the run', async ({ skip }) => {
    const { passed, problems } = await runWith([skip]);
    expect(problems).toEqual([expect.stringContaining(skip.id)]);
    expect(passed).toBe(false);
  });

  test('that is there twice fails the run', async () => {
    const skip = { id: CASE, reason: 'the broker decides' };
    const { passed, problems } = await runWith([skip, skip]);
    expect(problems).toEqual([expect.stringContaining('twice')]);
    expect(passed).toBe(false);
  });
});

test('without a skip the failure is a failure', async () => {
  expect(await runWith([])).toMatchObject({ passed: false, outcomes: ['failed'] });
});

test('no two cases have the same id, and every id is an area and a slug', () => {
  const ids = conformanceCases.map(({ id }) => id);
  expect(ids).toEqual([...new Set(ids)]);
  for (const id of ids) expect(id).toMatch(/^[a-z]+(-[a-z]+)*\/[a-z0-9]+(-[a-z0-9]+)*$/);
});

test('asking for a case or an area that does not exist is an error', async () => {
  await expect(runConformance({ adapter: memoryAdapter }, { only: ['no-such-area'] })).rejects.toThrow('no-such-area');
});
