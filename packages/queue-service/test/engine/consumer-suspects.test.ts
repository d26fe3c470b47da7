import { describe, expect, it } from 'vitest';
import { job } from './scripted-store.ts';
import { gates, scriptedQueue } from './world.ts';

/** A job that crashed twice and had its backoffs. */
const suspect = (id: string) => job(id, { attempt: 3, note: '{"failures":0,"crashes":2}' });

describe('A worker with suspects', () => {
  it('runs one at a time, and gives the others back before that one starts', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 10 });
    const held = store.settle.hold();
    store.deliver(suspect('s1'), suspect('s2'), suspect('s3'), job('a'));
    await settle();
    expect(gate.started).toEqual(['a']);
    expect(store.settled).toMatchObject([
      { kind: 'release', receipt: 's2' },
      { kind: 'release', receipt: 's3' },
    ]);
    held.answer([{ ok: true }, { ok: true }]);
    await settle();
    expect(gate.started).toEqual(['a', 's1']);
    store.deliver(suspect('s4'));
    await settle();
    expect(store.settlements.at(-1)).toBe('release s4');
    gate.finish('s1');
    await settle();
    store.deliver(suspect('s2'));
    await settle();
    expect(gate.started).toEqual(['a', 's1', 's2']);
  });

  it('gives them back with more and more delay, and without touching their note', async () => {
    const { queue, store, settle } = scriptedQueue();
    queue.process(gates().handler, { concurrency: 10 });
    store.deliver(suspect('s1'), suspect('s2'), suspect('s3'));
    await settle();
    const [first, second] = store.settled;
    if (first?.kind !== 'release' || second?.kind !== 'release') throw new Error('not released');
    expect(first.delayMs).toBeGreaterThanOrEqual(1000);
    expect(second.delayMs).toBeGreaterThan(first.delayMs as number);
    expect('note' in first).toBe(false);
  });

  it('keeps a slot free for the one that waits', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2 });
    const held = store.settle.hold();
    store.deliver(suspect('s1'), suspect('s2'));
    await settle();
    store.deliver(job('a'), job('b'));
    await settle();
    expect(gate.started).toEqual(['a']);
    held.answer([{ ok: true }]);
    await settle();
    expect(gate.started).toEqual(['a', 's1']);
    expect(gate.most).toBe(2);
  });

  it('never prefetches one: gives it back, and takes it as soon as a slot is free', async () => {
    const { queue, store, settle, clock } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1, prefetch: 3 });
    store.deliver(job('a'));
    await settle();
    store.deliver(suspect('s'));
    await settle();
    expect(store.settlements).toEqual(['release s']);
    // Nothing is asked for while there is no free slot, so that it is found by one that is.
    await clock.advance(2000);
    store.deliver(suspect('s'));
    await settle();
    expect(store.backlog).toBe(1);
    gate.finish('a');
    await settle();
    expect(gate.started).toEqual(['a', 's']);
  });

  it('finds a slot for it in front of an endless line of prefetched jobs', async () => {
    const { queue, store, clock } = scriptedQueue();
    const started: string[] = [];
    const pause = (ms: number) => new Promise<void>(resolve => void clock.setTimeout(resolve, ms));
    queue.process(
      async ({ id }) => {
        started.push(id);
        await pause(1000);
      },
      { concurrency: 2, prefetch: 5 },
    );
    // A line of 40 s is always in front of it: whenever it is given back it has to wait that long.
    let next = 0;
    const line = () => Array.from({ length: 80 }, () => job(`j${next++}`));
    store.deliver(...line(), suspect('s'));
    let releases = 0;
    for (let minute = 0; minute < 60 && !started.includes('s'); minute++) {
      for (let second = 0; second < 60; second++) {
        await clock.advance(1000);
        const now = store.settlements.filter(entry => entry === 'release s').length;
        if (now > releases) {
          releases = now;
          store.deliver(...line(), suspect('s'));
        }
        if (store.backlog < 20) store.deliver(...line());
      }
    }
    expect(started).toContain('s');
    expect(releases).toBeLessThan(10);
  });

  it('gives back the one that waits when it is paused', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2 });
    const held = store.settle.hold();
    store.deliver(suspect('s1'), suspect('s2'));
    await settle();
    const paused = queue.pause();
    held.answer([{ ok: true }]);
    await settle();
    await paused;
    expect(gate.started).toEqual([]);
    expect(store.settlements).toEqual(['release s2', 'release s1']);
    await queue.resume();
    store.deliver(suspect('s1'));
    await settle();
    expect(gate.started).toEqual(['s1']);
  });

  it('renews the lease of the one that waits', async () => {
    const { queue, store, clock } = scriptedQueue();
    queue.process(gates().handler, { concurrency: 10 });
    store.settle.hold();
    store.deliver(suspect('s1'), suspect('s2'));
    await clock.advance(10_000);
    expect([...store.extend.last[0]].toSorted()).toEqual(['s1', 's2']);
  });

  it('goes on when the one that waits loses its lease', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1 });
    const held = store.settle.hold();
    store.deliver(suspect('s1'));
    store.reserve.once(() => [suspect('s1'), suspect('s2')]);
    store.handOut(1);
    await settle();
    store.extend.once(() => [{ ok: false, code: 'lease-lost' }]);
    await clock.advance(9000);
    held.answer([{ ok: true }]);
    store.extend.always(receipts => receipts.map(() => ({ ok: false, code: 'lease-lost' })));
    await clock.advance(2000);
    await settle();
    expect(gate.most).toBeLessThanOrEqual(1);
    gate.finish('s1');
    await settle();
    store.deliver(job('a'));
    await settle();
    expect(gate.started.at(-1)).toBe('a');
  });
});
