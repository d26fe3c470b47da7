import { describe, expect, it } from 'vitest';
import { openTestQueue, words } from './test-queue.ts';

describe('a leased job', () => {
  it('is nobody else’s until its lease ends, and then ready with its attempt counted', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    await queue.takeOne(100);
    queue.clock.advance(99);
    expect(await queue.take(1)).toEqual([]);
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 1, dead: 0 });
    queue.clock.advance(1);
    expect(await queue.counts()).toEqual({ waiting: 1, delayed: 0, active: 0, dead: 0 });
    expect(await queue.takeOne()).toMatchObject({ id: 'a', attempt: 2 });
  });

  it('stays with a worker that extends its lease again and again', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const job = await queue.takeOne(100);
    for (let round = 0; round < 50; round++) {
      queue.clock.advance(90);
      expect(await words(queue.extend(100, job))).toEqual(['ok']);
    }
    expect(await queue.take(1)).toEqual([]);
    expect(await words(queue.ack(job))).toEqual(['ok']);
  });

  it('comes back sooner when its lease is cut short, counted from now', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const job = await queue.takeOne(1000);
    queue.clock.advance(10);
    await queue.extend(20, job);
    queue.clock.advance(19);
    expect(await queue.take(1)).toEqual([]);
    queue.clock.advance(1);
    expect(await queue.take(1)).toHaveLength(1);
  });
});

describe('a receipt', () => {
  it('is worth nothing from the moment its lease ends, though nobody has taken the job back', async () => {
    const queue = await openTestQueue();
    await queue.add({}, {}, {}, {});
    const [a, b, c, d] = await queue.take(4, 100);
    queue.clock.advanceSilently(100);
    expect(await words(queue.ack(a!))).toEqual(['lease-lost']);
    expect(await words(queue.retry(b!, 50))).toEqual(['lease-lost']);
    expect(await words(queue.bury(c!))).toEqual(['lease-lost']);
    expect(await words(queue.extend(100, d!))).toEqual(['lease-lost']);
    expect(await queue.counts()).toEqual({ waiting: 4, delayed: 0, active: 0, dead: 0 });
  });

  it('changes with every hand-out: the one before a retry, a release or an end does not work after it', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const retried = await queue.takeOne();
    await queue.retry(retried);
    const released = await queue.takeOne();
    await queue.release(released);
    const expired = await queue.takeOne(100);
    queue.clock.advance(100);
    const current = await queue.takeOne();
    expect(new Set([retried, released, expired, current].map(({ receipt }) => receipt)).size).toBe(4);

    for (const stale of [retried, released, expired]) {
      expect(await words(queue.ack(stale))).toEqual(['lease-lost']);
      expect(await words(queue.retry(stale))).toEqual(['lease-lost']);
      expect(await words(queue.release(stale))).toEqual(['lease-lost']);
      expect(await words(queue.bury(stale))).toEqual(['lease-lost']);
      expect(await words(queue.extend(1, stale))).toEqual(['lease-lost']);
    }
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 1, dead: 0 });
    expect(await words(queue.ack(current))).toEqual(['ok']);
  });

  it('is used up by its settlement', async () => {
    const queue = await openTestQueue();
    await queue.add({}, {});
    const [job, neighbour] = await queue.take(2);
    expect(await words(queue.ack(job!, job!, neighbour!))).toEqual(['ok', 'lease-lost', 'ok']);
  });

  it.each([[undefined], [null], [7], ['text'], [{}], [{ slot: 0 }]])(
    'that is none, such as %j, is lost like a stale one',
    async receipt => {
      const queue = await openTestQueue();
      await queue.add({});
      await queue.takeOne();
      expect(await words(queue.settle({ kind: 'ack', receipt }))).toEqual(['lease-lost']);
      expect(await words(queue.raw.extend([receipt], 1, { timeoutMs: 1 }))).toEqual(['lease-lost']);
      expect(await queue.counts()).toMatchObject({ active: 1 });
    },
  );
});
