import { runConformance } from '@switchyard/queue-conformance';
import { memoryAdapter } from '@switchyard/queue-memory';
import { expect, test } from 'vitest';
import { breakStore } from './broken/break-store.ts';

test('a report is plain JSON: the store, its capabilities and a line for every case', async () => {
  const report = await runConformance({ adapter: memoryAdapter }, { only: ['leases/hold', 'notes'] });
  expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  expect(report).toMatchObject({ store: 'memory', passed: true, problems: [], capabilities: { priority: 'strict' } });
  expect(report.results.map(({ id, outcome }) => `${id} ${outcome}`)).toEqual([
    'leases/hold passed',
    'notes/come-back passed',
    'notes/survive-a-crash passed',
    'notes/of-a-release passed',
    'notes/absent not-applicable',
  ]);
});

test('a store that cannot be reached is an error of the run, not of a case', async () => {
  const adapter = breakStore(memoryAdapter, {
    adapter: () => ({ connect: () => Promise.reject(new Error('connect ECONNREFUSED')) }),
  });
  await expect(runConformance({ adapter }, { only: ['leases'] })).rejects.toThrow('ECONNREFUSED');
});

test('a configuration that the adapter refuses is an error that says what it objects to', async () => {
  const harness = { adapter: memoryAdapter, config: { path: '/tmp' } };
  await expect(runConformance(harness, { only: ['leases'] })).rejects.toThrow(/path: Unknown key/);
});

test('a case that hangs fails with what it was waiting for', async () => {
  const adapter = breakStore(memoryAdapter, { queue: () => ({ counts: () => new Promise(() => {}) }) });
  const { results } = await runConformance({ adapter, timeScale: 0.05 }, { only: ['counts/every-state'] });
  expect(results).toMatchObject([{ outcome: 'failed', error: expect.stringMatching(/waited \d+ ms for counts/) }]);
});

test('a store that does not close fails the case that opened it', async () => {
  const adapter = breakStore(memoryAdapter, { store: () => ({ close: () => new Promise(() => {}) }) });
  const { results } = await runConformance({ adapter, timeScale: 0.05 }, { only: ['adding/own-copy'] });
  expect(results).toMatchObject([{ outcome: 'failed', error: expect.stringContaining('the end of what') }]);
});
