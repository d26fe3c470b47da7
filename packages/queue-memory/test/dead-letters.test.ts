import { describe, expect, it } from 'vitest';
import { DeadLetters } from '../src/dead-letters.ts';
import { MemoryQueue } from '../src/memory-queue.ts';
import { FakeClock } from './fake-clock.ts';
import { newJob, openTestQueue } from './test-queue.ts';

describe('a dead job', () => {
  it('is neither handed out again nor counted with the others', async () => {
    const queue = await openTestQueue();
    await queue.add({}, {});
    await queue.bury(...(await queue.take(2, 100)));
    queue.clock.advance(1000);
    expect(await queue.take(9)).toEqual([]);
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, dead: 2 });
  });

  it('is kept with all that is known about it', () => {
    const clock = new FakeClock();
    const letters = new DeadLetters({ maxAgeMs: Infinity, maxCount: Infinity });
    const queue = new MemoryQueue(clock, letters);
    const added = clock.now();
    queue.enqueue([newJob({ id: 'a', body: '[1]', headers: { trace: 'abc' }, priority: 3 })]);
    const take = () => queue.exchange([], { max: 1, leaseMs: 1000, timeoutMs: 1000 }).deliveries[0]!;
    queue.settle([{ kind: 'retry', receipt: take().receipt, delayMs: 0, note: 'failed' }]);
    clock.advance(500.5);
    queue.settle([{ kind: 'dead', receipt: take().receipt, note: 'failed twice' }]);
    expect(letters.dropOldest(Infinity)).toEqual({
      id: 'a',
      body: '[1]',
      headers: { trace: 'abc' },
      priority: 3,
      note: 'failed twice',
      attempts: 2,
      enqueuedAt: added,
      diedAt: added + 500,
    });
  });
});

describe('dead letters', () => {
  async function bury(queue: Awaited<ReturnType<typeof openTestQueue>>, ...ids: string[]): Promise<void> {
    await queue.add(...ids.map(id => ({ id })));
    await queue.bury(...(await queue.take(ids.length)));
  }

  it('are kept up to maxCount, the oldest dropped first, and a dropped id is free again', async () => {
    const queue = await openTestQueue({ maxCount: 2 });
    await bury(queue, 'a', 'b', 'c');
    await bury(queue, 'd');
    expect(await queue.counts()).toMatchObject({ dead: 2 });
    await queue.add({ id: 'a' }, { id: 'b' }, { id: 'c' }, { id: 'd' });
    expect(await queue.order()).toEqual(['a', 'b']);
  });

  it('are kept for maxAgeMs, by the clock, though nobody looks', async () => {
    const queue = await openTestQueue({ maxAgeMs: 1000 });
    await bury(queue, 'a');
    queue.clock.advance(500);
    await bury(queue, 'b');
    queue.clock.advance(499);
    expect(await queue.counts()).toMatchObject({ dead: 2 });
    queue.clock.advance(1);
    expect(await queue.counts()).toMatchObject({ dead: 1 });
    queue.clock.advanceSilently(1000);
    await queue.add({ id: 'b' });
    expect(await queue.counts()).toMatchObject({ waiting: 1, dead: 0 });
  });

  it('are not kept at all with a maxCount of 0', async () => {
    const queue = await openTestQueue({ maxCount: 0 });
    await bury(queue, 'a');
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, dead: 0 });
  });

  it('are capped queue by queue', async () => {
    const queue = await openTestQueue({ maxCount: 1 });
    const other = await queue.openAgain({ plugin: '', name: 'other' });
    await bury(queue, 'a');
    await bury(other, 'a');
    expect([await queue.counts(), await other.counts()]).toMatchObject([{ dead: 1 }, { dead: 1 }]);
  });
});
