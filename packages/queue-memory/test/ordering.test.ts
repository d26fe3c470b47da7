import { describe, expect, it } from 'vitest';
import { openTestQueue } from './test-queue.ts';

describe('ready jobs are handed out', () => {
  it('by priority, the lower number first, then first in first out', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'c', priority: 30 }, { id: 'a', priority: 10 }, { id: 'b', priority: 20 });
    await queue.add({ id: 'a2', priority: 10 }, { id: '0', priority: -1_000_000 }, { id: 'd', priority: 1_000_000 });
    expect(await queue.order()).toEqual(['0', 'a', 'a2', 'b', 'c', 'd']);
  });

  it('never before their delay is over, and then behind what was ready before', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'delayed', delayMs: 100 }, { id: 'ready' });
    queue.clock.advance(99.9);
    await queue.add({ id: 'early' });
    expect(await queue.counts()).toMatchObject({ waiting: 2, delayed: 1 });
    queue.clock.advance(0.1);
    expect(await queue.counts()).toMatchObject({ waiting: 3, delayed: 0 });
    await queue.add({ id: 'late' });
    expect(await queue.order()).toEqual(['ready', 'early', 'delayed', 'late']);
  });

  it('in the order in which they were due, though nobody asked meanwhile', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'b', delayMs: 20 }, { id: 'a', delayMs: 10 }, { id: 'c', delayMs: 30 });
    await queue.add({ id: 'b2', delayMs: 20 }, { id: 'urgent', delayMs: 25, priority: 0 });
    queue.clock.advanceSilently(1000);
    expect(await queue.order()).toEqual(['urgent', 'a', 'b', 'b2', 'c']);
  });

  it('behind what was ready before, when they were retried', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' }, { id: 'b' }, { id: 'c' });
    const [a, b] = await queue.take(2);
    await queue.retry(a!, 10);
    await queue.retry(b!);
    queue.clock.advance(10);
    expect(await queue.order()).toEqual(['c', 'b', 'a']);
  });

  it('with their own priority after a retry', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'urgent', priority: 1 }, { id: 'a' });
    await queue.retry(await queue.takeOne(), 10);
    queue.clock.advance(10);
    await queue.add({ id: 'b' });
    expect(await queue.order()).toEqual(['urgent', 'a', 'b']);
  });

  it('in their old place after a release', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' }, { id: 'b' });
    queue.clock.advance(10);
    await queue.add({ id: 'c' });
    const [a, b] = await queue.take(2);
    queue.clock.advance(10);
    await queue.release(b!);
    await queue.release(a!);
    expect(await queue.order()).toEqual(['a', 'b', 'c']);
  });

  it('from when a delayed release is over', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' }, { id: 'b' });
    await queue.release(await queue.takeOne(), { delayMs: 10 });
    expect(await queue.counts()).toMatchObject({ waiting: 1, delayed: 1 });
    queue.clock.advance(9);
    await queue.add({ id: 'c' });
    queue.clock.advance(1);
    await queue.add({ id: 'd' });
    expect(await queue.order()).toEqual(['b', 'c', 'a', 'd']);
  });

  it('from the moment at which their lease ended, in the order they were in', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' }, { id: 'b' }, { id: 'c' });
    await queue.take(2, 100);
    await queue.take(1, 50);
    queue.clock.advance(60);
    await queue.add({ id: 'd' });
    queue.clock.advance(50);
    await queue.add({ id: 'e' });
    expect(await queue.order()).toEqual(['c', 'd', 'a', 'b', 'e']);
  });
});
