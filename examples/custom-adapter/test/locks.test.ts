import { DatabaseSync } from 'node:sqlite';
import { setTimeout as elapse } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { newJob, openStore, temporaryFile } from './open-store.ts';

/** As another process that is in the middle of writing. */
function lock(path: string): { readonly release: () => void } & Disposable {
  const file = new DatabaseSync(path);
  file.exec('BEGIN IMMEDIATE');
  return { release: () => file.exec('COMMIT'), [Symbol.dispose]: () => file.close() };
}

it('fails as unavailable at its deadline while another process writes, and nothing has happened', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path);
  const { store, queue } = opened;
  using writer = lock(file.path);
  const error = await queue.enqueue([newJob()], { timeoutMs: 50 }).catch((thrown: unknown) => thrown);
  expect(store.classify(error)).toBe('unavailable');
  writer.release();
  expect(await queue.counts()).toMatchObject({ waiting: 0 });
});

it('waits for another process that writes without holding up its own', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path);
  using writer = lock(file.path);
  let isStored = false;
  const stored = opened.queue.enqueue([newJob()], { timeoutMs: 10_000 }).then(outcomes => {
    isStored = true;
    return outcomes;
  });
  await elapse(50);
  expect(isStored).toBe(false);
  writer.release();
  expect(await stored).toEqual([{ ok: true }]);
});

it('looks for jobs without asking for the lock', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path);
  using _ = lock(file.path);
  const request = { max: 1, leaseMs: 1_000, waitMs: 0, signal: new AbortController().signal };
  expect(await opened.queue.reserve(request)).toEqual([]);
});

it('gives up reserving at the signal also while another process writes', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path);
  await opened.queue.enqueue([newJob()], { timeoutMs: 1_000 });
  using _ = lock(file.path);
  const abort = new AbortController();
  const reserved = opened.queue.reserve({ max: 1, leaseMs: 1_000, waitMs: 60_000, signal: abort.signal });
  await elapse(50);
  abort.abort();
  expect(await reserved).toEqual([]);
});
