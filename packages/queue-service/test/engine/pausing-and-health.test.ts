import { expect, it } from 'vitest';
import { fails } from './script.ts';
import { job } from './scripted-store.ts';
import { scriptedQueue } from './world.ts';

it('starts no handler once a pause has resolved, also where its schema was still at work', async () => {
  const gate = Promise.withResolvers<void>();
  const validate = async (value: unknown) => {
    await gate.promise;
    return { value };
  };
  const ran: string[] = [];
  const { queue, store, settle } = scriptedQueue({ schema: { '~standard': { version: 1, vendor: 'test', validate } } });
  queue.process(({ id }) => void ran.push(id));
  store.deliver(job('a'));
  await settle();
  await queue.pause();
  gate.resolve();
  await settle();
  expect(ran).toEqual([]);
  expect(store.settlements).toEqual(['release a']);
});

it('is healthy again after a failure to pick up, once paused and answered otherwise', async () => {
  const { queue, store, clock, settle } = scriptedQueue();
  queue.process(() => {});
  store.reserve.once(fails('unavailable'));
  await settle();
  expect(queue.health().healthy).toBe(false);
  await queue.pause();
  expect(queue.health().healthy).toBe(false);
  await clock.advance(60_000);
  await queue.getJobCount();
  expect(queue.health().healthy).toBe(true);
});

it('is healthy again after settlements that were given up, once the store answers otherwise', async () => {
  const { queue, store, clock, settle } = scriptedQueue();
  queue.process(() => {});
  store.settle.always(fails('rejected'));
  store.deliver(job('a'));
  await settle();
  expect(queue.health().healthy).toBe(false);
  await clock.advance(120_000);
  await queue.getJobCount();
  expect(queue.health().healthy).toBe(true);
});

it('joins a disconnect under way with a pause', async () => {
  const { queue, settle } = scriptedQueue();
  queue.process(() => {});
  await settle();
  const order: string[] = [];
  const disconnected = queue.disconnect().then(() => order.push('disconnected'));
  const paused = queue.pause().then(() => order.push('paused'));
  await settle();
  await Promise.all([disconnected, paused]);
  expect(order).toEqual(['disconnected', 'paused']);
});

it('shows what the store shows of its part, and nothing where that fails', async () => {
  let figures = (): Record<string, number> => ({ partitions: 3 });
  const { queue, settle } = scriptedQueue({}, { figures: () => figures() });
  expect(queue.health()).not.toHaveProperty('figures');
  queue.process(() => {});
  await settle();
  expect(queue.health().figures).toEqual({ partitions: 3 });
  figures = () => {
    throw new Error('a driver that keeps no promise');
  };
  expect(queue.health()).not.toHaveProperty('figures');
});
