import type { ProcessHandler } from '@switchyard/queue-api';
import { expect, it } from 'vitest';
import { fails, hangs } from './script.ts';
import { job } from './scripted-store.ts';
import { scriptedQueue } from './world.ts';

const leaseLost = async (entries: readonly unknown[]) =>
  entries.map(() => ({ ok: false, code: 'lease-lost' }) as const);

it.each([
  ['somebody else has', leaseLost, []],
  ['somebody else may have', fails('unavailable'), ['retry a']],
] as const)(
  'neither fails nor buries a job that %s, also when its handler outlasts its timeout',
  async (_, extend, settlements) => {
    const buried: string[] = [];
    const { queue, store, clock, settle, of } = scriptedQueue({
      maxAttempts: 1,
      dlqHandler: ({ id }) => void buried.push(id),
    });
    queue.process(hangs, { timeout: 60_000 });
    store.extend.always(extend);
    store.deliver(job('a'));
    await settle();
    await clock.advance(100_000);
    expect(buried).toEqual([]);
    expect(of('dead')).toEqual([]);
    expect(store.settlements).toEqual(settlements);
  },
);

it('does not report as done what was settled too late, if no earlier try can have been carried out', async () => {
  const { queue, store, clock, settle, of } = scriptedQueue();
  queue.process(() => {});
  store.settle.once(fails('unavailable'));
  store.settle.once(leaseLost);
  store.deliver(job('a'));
  await settle();
  await clock.advance(40_000);
  expect(of('completed')).toEqual([]);
  expect(of('error')).toContainEqual(expect.objectContaining({ id: 'a' }));
});

it('lets a job whose lease can never be renewed use up its attempts, with the backoff of a failure', async () => {
  const { queue, store, clock, settle, of } = scriptedQueue({ maxAttempts: 3 });
  const obeys: ProcessHandler = (_, { signal }) =>
    new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  queue.process(obeys);
  store.extend.always(fails('denied'));
  store.deliver(job('a'));
  await settle();
  await clock.advance(30_000);
  expect(of('retrying')).toMatchObject([{ id: 'a', attempt: 1, delayMs: 1000, error: { code: 'lease-lost' } }]);
  expect(store.settlements).toEqual(['retry a']);
});
