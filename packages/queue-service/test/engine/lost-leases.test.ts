import { expect, it } from 'vitest';
import { fails, hangs } from './script.ts';
import { job } from './scripted-store.ts';
import { scriptedQueue } from './world.ts';

const leaseLost = async (entries: readonly unknown[]) =>
  entries.map(() => ({ ok: false, code: 'lease-lost' }) as const);

it.each([
  ['somebody else has', leaseLost, []],
  ['somebody else may have', fails('unavailable'), ['release a']],
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
