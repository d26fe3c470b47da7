import type { QueueName } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { openTestQueue } from './test-queue.ts';

const CLOSE = { timeoutMs: 1000 };

describe('queues of one connection', () => {
  it('are one queue when plugin and name are the same', async () => {
    const queue = await openTestQueue();
    const again = await queue.openAgain();
    await queue.add({ id: 'a' });
    expect((await again.takeOne()).id).toBe('a');
    expect(await queue.take(1)).toEqual([]);
  });

  it('never meet when plugin or name differ, wherever the names are cut', async () => {
    const names: QueueName[] = [
      ['a-b', 'c'],
      ['a', 'b-c'],
      ['', 'a-b-c'],
      ['a-b-c', ''],
      ['a","b', 'c'],
      ['a', 'b","c'],
      ['A', 'b-c'],
      ['a/b', 'c'],
      ['a', 'b/c'],
      ['', '__proto__'],
    ].map(([plugin, name]) => ({ plugin: plugin!, name: name! }));
    const first = await openTestQueue();
    const queues = await Promise.all(names.map(name => first.openAgain(name)));
    for (const [n, queue] of queues.entries()) await queue.add({ id: `${n}` });
    expect(await Promise.all(queues.map(queue => queue.order()))).toEqual(names.map((_, n) => [`${n}`]));
  });

  it('do not accept a receipt of one another', async () => {
    const queue = await openTestQueue();
    const other = await queue.openAgain({ plugin: '', name: 'other' });
    await queue.add({});
    await other.add({});
    const [job] = [await queue.takeOne(), await other.takeOne()];
    expect(await other.ack(job)).toEqual([{ ok: false, code: 'lease-lost' }]);
    expect(await queue.ack(job)).toEqual([{ ok: true }]);
  });
});

describe('closing a queue', () => {
  it('deletes nothing: opened again it has its jobs, leases and dead letters', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'leased' }, { id: 'dead' }, { id: 'waiting' }, { id: 'delayed', delayMs: 100 });
    const [leased, dead] = await queue.take(2);
    await queue.bury(dead!);
    await queue.raw.close(CLOSE);
    const again = await queue.openAgain();
    expect(await again.counts()).toEqual({ waiting: 1, delayed: 1, active: 1, dead: 1 });
    expect(await again.ack(leased!)).toEqual([{ ok: true }]);
    queue.clock.advance(100);
    expect(await again.order()).toEqual(['waiting', 'delayed']);
  });

  it('answers the reserves that wait in it, and no others', async () => {
    const queue = await openTestQueue();
    const other = await queue.openAgain();
    const closing = [queue.reserve({ waitMs: 1000 }), queue.reserve({ waitMs: 1000 })];
    const staying = other.reserve({ waitMs: 1000 });
    await queue.raw.close(CLOSE);
    expect(await Promise.all(closing)).toEqual([[], []]);
    await other.add({ id: 'a' });
    expect(await staying).toMatchObject([{ id: 'a' }]);
  });

  it('is idempotent, and works after the connection was closed', async () => {
    const queue = await openTestQueue();
    await Promise.all([queue.raw.close(CLOSE), queue.raw.close(CLOSE)]);
    await queue.store.close(CLOSE);
    await expect(queue.raw.close(CLOSE)).resolves.toBeUndefined();
  });

  it('makes every later call fail as unavailable', async () => {
    const queue = await openTestQueue();
    await queue.add({});
    const job = await queue.takeOne();
    await queue.raw.close(CLOSE);
    for (const call of [
      queue.add({}),
      queue.reserve(),
      queue.ack(job),
      queue.raw.exchange!([], { max: 1, leaseMs: 1000, timeoutMs: 1000 }),
      queue.extend(1000, job),
      queue.counts(),
    ]) {
      const error: unknown = await call.then(
        () => 'no error',
        (thrown: unknown) => thrown,
      );
      expect(error).toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
      expect(queue.store.classify(error)).toBe('unavailable');
    }
  });
});

describe('closing the connection', () => {
  it('drops everything and answers every reserve that waits', async () => {
    const queue = await openTestQueue();
    const other = await queue.openAgain({ plugin: '', name: 'other' });
    await queue.add({ delayMs: 10 });
    const waiting = [queue.reserve({ waitMs: 1000 }), other.reserve({ waitMs: 1000 })];
    await queue.store.close(CLOSE);
    expect(await Promise.all(waiting)).toEqual([[], []]);
    expect(queue.clock.timers).toBe(0);
    await expect(queue.counts()).rejects.toMatchObject({ code: 'unavailable' });
    await expect(other.add({})).rejects.toMatchObject({ code: 'unavailable' });
    await expect(queue.openAgain()).rejects.toMatchObject({ code: 'unavailable' });
  });

  it('is idempotent, also at once', async () => {
    const { store } = await openTestQueue();
    await Promise.all([store.close(CLOSE), store.close(CLOSE)]);
    await expect(store.close(CLOSE)).resolves.toBeUndefined();
  });
});
