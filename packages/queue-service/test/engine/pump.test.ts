import { describe, expect, it } from 'vitest';
import { pumpWorld as setUp } from './pump-world.ts';
import { fails, hangs, throws } from './script.ts';
import { job } from './scripted-store.ts';
import { expectNoUnhandledRejections, timeTaken, watch } from './world.ts';

describe('Pump, fetching', () => {
  it('asks for as many as there is room for, and waits at the store with one call', async () => {
    const { pump, settle, asked, store } = setUp({ room: 7 });
    pump.startFetching();
    await settle();
    expect(asked()).toEqual(['7 wait']);
    expect(store.reserve.last[0]).toMatchObject({ leaseMs: 30_000, waitMs: 20_000 });
    expect(store.reserve.pending).toBe(1);
  });

  it('asks again when the wait is over, for as long as it takes', async () => {
    const { pump, clock, asked, store } = setUp();
    pump.startFetching();
    await clock.advance(10 * 60_000);
    expect(store.reserve.pending).toBe(1);
    expect(asked()).toHaveLength(31);
    expect(pump.lastSuccessfulPoll).toBe(clock.now());
  });

  it('asks for the rest when some have come, with one call as long as they come back short', async () => {
    const { pump, settle, asked, store, arrived } = setUp();
    pump.startFetching();
    await settle();
    store.deliver(job('a'), job('b'));
    await settle();
    expect(arrived).toEqual(['a', 'b']);
    expect(asked()).toEqual(['10 wait', '8 wait']);
  });

  it('asks with more calls, which do not wait, while they come back full', async () => {
    const { pump, settle, asked, store, arrived } = setUp({
      room: 10,
      capabilities: {
        maxBatch: { enqueue: 1, reserve: 2, settle: 1 },
        parallel: { enqueue: 1, reserve: 3, settle: 1 },
      },
    });
    for (const id of 'abcdefg') store.deliver(job(id));
    pump.startFetching();
    await settle();
    expect(arrived.toSorted().join('')).toBe('abcdefg');
    expect(asked().slice(0, 4)).toEqual(['2 wait', '2 wait', '2 now', '2 now']);
    expect(store.reserve.pending).toBe(1);
  });

  it('never asks for more than there is room for, all calls together', async () => {
    const { pump, settle, store, state } = setUp({
      room: 5,
      capabilities: {
        maxBatch: { enqueue: 1, reserve: 2, settle: 1 },
        parallel: { enqueue: 1, reserve: 9, settle: 1 },
      },
    });
    let pending = 0;
    let most = 0;
    store.reserve.always(async ({ max, waitMs }) => {
      pending += max;
      most = Math.max(most, pending - state.room);
      await Promise.resolve();
      const handed = waitMs > 0 && store.backlog === 0 ? await hangs() : store.handOut(max);
      pending -= max;
      return handed;
    });
    for (let n = 0; n < 50; n++) store.deliver(job(`${n}`));
    pump.startFetching();
    await settle();
    expect(most).toBeLessThanOrEqual(0);
    expect(store.backlog).toBe(45);
  });

  it('asks for nothing while there is no room', async () => {
    const { pump, settle, state, asked } = setUp({ room: 0 });
    pump.startFetching();
    await settle();
    expect(asked()).toEqual([]);
    state.room = 1;
    pump.schedule();
    await settle();
    expect(asked()).toEqual(['1 wait']);
  });

  it('copes with a store that hands out more than it was asked for', async () => {
    const { pump, settle, state, store, arrived } = setUp({ room: 2 });
    store.reserve.once(() => ['a', 'b', 'c', 'd'].map(id => job(id)));
    pump.startFetching();
    await settle();
    expect(arrived).toEqual(['a', 'b', 'c', 'd']);
    expect(state.room).toBe(-2);
    expect(store.reserve.calls).toHaveLength(1);
    state.room = 1;
    pump.schedule();
    await settle();
    expect(store.reserve.last[0].max).toBe(1);
  });
});

describe('Pump, with a store in trouble', () => {
  it.each([
    ['rejects', fails('unavailable')],
    ['throws', throws('unavailable')],
    ['answers with undefined', () => undefined as never],
    ['answers with something else', () => ({ deliveries: [] }) as never],
  ])('asks again after a backoff when reserve %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const { pump, clock, store, settle, arrived } = setUp();
    store.reserve.once(answer, answer);
    pump.startFetching();
    await settle();
    expect(store.reserve.calls).toHaveLength(1);
    await clock.advance(74);
    expect(store.reserve.calls).toHaveLength(1);
    await clock.advance(1);
    expect(store.reserve.calls).toHaveLength(2);
    await clock.advance(150);
    store.deliver(job('a'));
    await settle();
    expect(arrived).toEqual(['a']);
  });

  it('asks about every five seconds in a long outage, not more often', async () => {
    const { pump, clock, store } = setUp();
    store.reserve.always(fails('unavailable'));
    pump.startFetching();
    await clock.advance(60 * 60_000);
    expect(store.reserve.calls.length).toBeGreaterThan(700);
    expect(store.reserve.calls.length).toBeLessThan(1000);
  });

  it('knows that the store is well again before the next job comes', async () => {
    const { pump, clock, store, link, settle } = setUp();
    store.reserve.once(fails('unavailable'));
    pump.startFetching();
    await settle();
    expect(link.healthy).toBe(false);
    await clock.advance(75);
    expect(link.healthy).toBe(true);
    expect(store.reserve.pending).toBe(1);
  });

  it('gives up on a reserve that hangs, asks anew, and gives back what that brings late', async () => {
    const { pump, clock, store, arrived, late, settle, asked } = setUp();
    const held = store.reserve.hold();
    pump.startFetching();
    await clock.advance(32_000 + 75);
    expect(asked()).toEqual(['10 wait', '10 now', '10 wait']);
    held.answer([job('late')]);
    await settle();
    expect(late).toEqual(['late']);
    store.deliver(job('a'));
    await settle();
    expect(arrived).toEqual(['a']);
  });

  it('reaches for the store until it is there', async () => {
    const { pump, clock, store } = setUp();
    store.connecting.once(fails('unavailable'), fails('unavailable'), hangs);
    pump.startFetching();
    await clock.advance(75 + 150 + 15_000 + 300);
    expect(store.connecting.calls).toHaveLength(4);
    expect(store.reserve.pending).toBe(1);
  });

  it('does not reach for it twice because it was paused and resumed meanwhile', async () => {
    const { pump, clock, store } = setUp();
    store.connecting.always(fails('unavailable'));
    pump.startFetching();
    for (let round = 0; round < 20; round++) {
      await clock.advance(10);
      void pump.stopFetching();
      pump.startFetching();
    }
    await clock.advance(60_000);
    const before = store.connecting.calls.length;
    await clock.advance(60_000);
    expect(store.connecting.calls.length - before).toBeLessThanOrEqual(16);
    store.connecting.always(() => store);
    await clock.advance(5000);
    expect(store.reserve.pending).toBe(1);
  });

  it('stops reaching for it when stopped, and starts anew when started', async () => {
    const { pump, clock, store } = setUp();
    store.connecting.always(fails('unavailable'));
    pump.startFetching();
    await pump.stopFetching();
    await clock.advance(60_000);
    const before = store.connecting.calls.length;
    await clock.advance(60_000);
    expect(store.connecting.calls).toHaveLength(before);
    store.connecting.always(() => store);
    pump.startFetching();
    await clock.advance(5000);
    expect(store.reserve.pending).toBe(1);
  });
});

describe('Pump, stopping', () => {
  it('aborts what waits, and resolves once nothing can come any more', async () => {
    const { pump, settle, store, clock } = setUp();
    pump.startFetching();
    await settle();
    const held = store.reserve.last[0].signal;
    expect(await timeTaken(clock, pump.stopFetching())).toBe(0);
    expect(held.aborted).toBe(true);
    expect(store.reserve.pending).toBe(0);
    await clock.advance(60_000);
    expect(store.reserve.calls).toHaveLength(1);
  });

  it('waits a second for a driver that ignores that', async () => {
    const { pump, settle, store, clock } = setUp();
    store.reserve.once(hangs);
    pump.startFetching();
    await settle();
    expect(await timeTaken(clock, pump.stopFetching())).toBe(1000);
  });

  it('starts again with a fresh signal', async () => {
    const { pump, settle, store } = setUp();
    pump.startFetching();
    await settle();
    await pump.stopFetching();
    pump.startFetching();
    await settle();
    expect(store.reserve.calls).toHaveLength(2);
    expect(store.reserve.last[0].signal.aborted).toBe(false);
  });

  it('keeps its backoff over a stop and a start', async () => {
    const { pump, settle, store, clock, asked } = setUp();
    store.reserve.once(fails('unavailable'));
    pump.startFetching();
    await settle();
    await pump.stopFetching();
    pump.startFetching();
    await clock.advance(74);
    expect(store.reserve.calls).toHaveLength(1);
    await clock.advance(1);
    expect(asked()).toEqual(['10 wait', '10 now', '10 wait']);
    expect(store.reserve.pending).toBe(1);
  });

  it('tells the driver that nobody reserves for now, and does not mind if it fails', async () => {
    expectNoUnhandledRejections();
    const { pump, settle, store, clock } = setUp();
    await pump.standby();
    expect(store.standby.calls).toHaveLength(0);
    pump.startFetching();
    await settle();
    await pump.standby();
    expect(store.standby.calls).toHaveLength(1);
    for (const answer of [fails('unavailable'), throws('unavailable'), hangs]) {
      store.standby.once(answer);
      expect(await timeTaken(clock, pump.standby())).toBeLessThanOrEqual(12_000);
    }
  });

  it('has no interest in anything once ended', async () => {
    const { pump, settle, store, clock, arrived, late, put } = setUp();
    const held = store.reserve.hold();
    pump.startFetching();
    await settle();
    watch(pump.stopFetching());
    pump.end();
    pump.startFetching();
    held.answer([job('a')]);
    put('x');
    await clock.advance(60_000);
    expect([arrived, late, store.settle.calls]).toEqual([[], [], []]);
  });
});

describe('Pump, settling', () => {
  it('sends what is put in the same turn in one call', async () => {
    const { pump, settle, store, put, done } = setUp();
    pump.startFetching();
    await settle();
    put('a', 'b');
    put('c');
    await settle();
    expect(store.settle.calls.map(({ args: [batch] }) => batch.length)).toEqual([3]);
    expect(done).toEqual(['a', 'b', 'c']);
  });

  it('respects batches and parallel calls', async () => {
    const { pump, settle, store, put, done } = setUp({
      capabilities: {
        maxBatch: { enqueue: 1, reserve: 1, settle: 2 },
        parallel: { enqueue: 1, reserve: 1, settle: 2 },
      },
    });
    pump.startFetching();
    await settle();
    const held = [store.settle.hold(), store.settle.hold()];
    put('a', 'b', 'c', 'd', 'e');
    await settle();
    expect(store.settle.pending).toBe(2);
    for (const one of held) one.answer([{ ok: true }, { ok: true }]);
    await settle();
    expect(store.settle.calls.map(({ args: [batch] }) => batch.length)).toEqual([2, 2, 1]);
    expect(done).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it.each([
    ['rejects', fails('unavailable')],
    ['throws', throws('unknown-outcome')],
    ['hangs', hangs],
    ['answers with undefined', () => undefined as never],
    ['answers with too little', () => []],
  ])('repeats what was not answered when settle %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const { pump, clock, store, put, done, settle } = setUp();
    pump.startFetching();
    await settle();
    store.settle.once(answer);
    put('a');
    await clock.advance(13_000);
    expect(store.settlements).toEqual(['ack a', 'ack a']);
    expect(done).toEqual(['a']);
  });

  it('settles while nothing is fetched', async () => {
    const { pump, settle, put, done } = setUp();
    pump.startFetching();
    await settle();
    await pump.stopFetching();
    put('a');
    await settle();
    expect(done).toEqual(['a']);
  });

  it('fetches nothing while the store takes no settlements, and again once it does', async () => {
    const { pump, clock, store, put, state } = setUp({ room: 1 });
    pump.startFetching();
    await clock.advance(0);
    store.settle.always(fails('denied'));
    put(...Array.from({ length: 500 }, (_, n) => `${n}`));
    store.deliver(job('a'));
    state.room = 1;
    await clock.advance(0);
    const before = store.reserve.calls.length;
    await clock.advance(1000);
    expect(store.reserve.calls).toHaveLength(before);
    store.settle.always(batch => batch.map(() => ({ ok: true })));
    state.room = 1;
    await clock.advance(5000);
    expect(store.reserve.calls.length).toBeGreaterThan(before);
  });
});
