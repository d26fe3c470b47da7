import { getEventListeners } from 'node:events';
import { setImmediate as nextTurn, setTimeout as elapse } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { newJob, openStore, temporaryFile } from './open-store.ts';

it('wakes a waiting worker of its own process at once, not when it looks again', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path);
  let isAnswered = false;
  const { signal } = new AbortController();
  const answer = opened.queue.reserve({ max: 1, leaseMs: 1_000, waitMs: 60_000, signal }).then(deliveries => {
    isAnswered = true;
    return deliveries;
  });
  await elapse(20);
  await opened.queue.enqueue([newJob()], { timeoutMs: 1_000 });
  // Turns of the event loop instead of time: a slow machine changes nothing about their number.
  for (let turn = 0; turn < 10; turn++) await nextTurn();
  expect(isAnswered).toBe(true);
  expect(await answer).toHaveLength(1);
});

it('leaves no timer and no listener behind when it has waited', async () => {
  using file = temporaryFile();
  await using opened = await openStore(file.path);
  const timers = () => process.getActiveResourcesInfo().filter(resource => resource === 'Timeout').length;
  const before = timers();
  const { signal } = new AbortController();
  const waiting = opened.queue.reserve({ max: 1, leaseMs: 1_000, waitMs: 60_000, signal });
  await elapse(20);
  expect(getEventListeners(signal, 'abort')).toHaveLength(1);
  await opened.queue.enqueue([newJob()], { timeoutMs: 1_000 });
  expect(await waiting).toHaveLength(1);
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(timers()).toBe(before);
});
