import type { StoreQueue } from '@switchyard/queue-api';
import { afterEach, expect, it, vi } from 'vitest';
import { newJob, openStore, temporaryFile } from './open-store.ts';

afterEach(() => void vi.useRealTimers());

/** Adds jobs and has each of them end dead. */
async function bury(queue: StoreQueue, ids: readonly string[]): Promise<void> {
  await queue.enqueue(
    ids.map(id => newJob({ id })),
    { timeoutMs: 1_000 },
  );
  const { signal } = new AbortController();
  const deliveries = await queue.reserve({ max: ids.length, leaseMs: 1_000, waitMs: 0, signal });
  const settlements = deliveries.map(({ receipt }) => ({ kind: 'dead', receipt, note: 'over' }) as const);
  await queue.settle(settlements, { timeoutMs: 1_000 });
}

it('keeps as many dead letters of a queue as the operator allows, the latest ones', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path, { maxCount: 2 });
  const { queue } = opened;
  await bury(queue, ['first', 'second', 'third']);
  expect(await queue.counts()).toMatchObject({ dead: 2 });
  // An id that is dead is taken, one that is forgotten is free.
  await queue.enqueue([newJob({ id: 'first' }), newJob({ id: 'third' })], { timeoutMs: 1_000 });
  expect(await queue.counts()).toMatchObject({ waiting: 1, dead: 2 });
});

it('keeps dead letters as long as the operator allows', async () => {
  vi.useFakeTimers({ toFake: ['Date'] });
  using file = temporaryFile();
  {
    await using opened = await openStore(file.path, { maxAgeMs: 60_000 });
    await bury(opened.queue, ['old']);
    vi.advanceTimersByTime(60_000);
    await bury(opened.queue, ['new']);
    expect(await opened.queue.counts()).toMatchObject({ dead: 2 });
  }
  vi.advanceTimersByTime(1);
  await using reopened = await openStore(file.path, { maxAgeMs: 60_000 });
  expect(await reopened.queue.counts()).toMatchObject({ dead: 1 });
});
