import { describe, expect, it } from 'vitest';
import { pumpWorld as setUp } from './pump-world.ts';
import { fails, hangs, throws } from './script.ts';
import { job } from './scripted-store.ts';
import { expectNoUnhandledRejections } from './world.ts';

describe('Pump, exchanging', () => {
  it('settles and asks in one call when it is busy', async () => {
    const { pump, settle, store, put, state, arrived, done } = setUp({ exchange: true, room: 1 });
    for (const id of ['a', 'b', 'c']) store.deliver(job(id));
    pump.startFetching();
    await settle();
    expect(arrived).toEqual(['a']);
    state.room = 1;
    put('a');
    await settle();
    expect(store.exchange.calls.map(({ args: [batch, { max, leaseMs }] }) => [batch.length, max, leaseMs])).toEqual([
      [1, 1, 30_000],
    ]);
    expect([arrived, done]).toEqual([['a', 'b'], ['a']]);
    expect(store.settle.calls).toEqual([]);
    expect(store.reserve.calls).toHaveLength(1);
  });

  it('shares the room out among its calls while jobs are in plenty', async () => {
    const { pump, settle, store, put, state } = setUp({
      exchange: true,
      room: 10,
      capabilities: {
        maxBatch: { enqueue: 1, reserve: 100, settle: 100 },
        parallel: { enqueue: 1, reserve: 2, settle: 2 },
      },
    });
    const ids = Array.from('abcdefghijklmnopqrst');
    store.deliver(...ids.map(id => job(id)));
    pump.startFetching();
    await settle();
    const held = [store.exchange.hold(), store.exchange.hold()];
    state.room = 10;
    put(...ids.slice(0, 10));
    await settle();
    const calls = () => store.exchange.calls.map(({ args: [batch, { max }] }) => [batch.length, max]);
    expect(calls()).toEqual([
      [5, 5],
      [5, 5],
    ]);
    // The one that is back is sent again while the other is under way.
    held[0]!.answer({
      outcomes: ids.slice(0, 5).map(() => ({ ok: true })),
      deliveries: ids.slice(10, 15).map(id => job(id)),
    });
    await settle();
    state.room = 10;
    put(...ids.slice(10, 15));
    await settle();
    expect(calls()).toHaveLength(3);
    expect(calls()[2]).toEqual([5, 5]);
  });

  it('asks for the room that the waiting reserve does not ask for', async () => {
    const { pump, settle, store, put, state } = setUp({ exchange: true, room: 2 });
    pump.startFetching();
    await settle();
    expect(store.reserve.pending).toBe(1);
    state.room = 5;
    put('x');
    await settle();
    expect(store.exchange.calls.map(({ args: [, { max }] }) => max)).toEqual([3]);
    expect(store.reserve.pending).toBe(1);
  });

  it('only settles when nothing is wanted', async () => {
    const { pump, settle, store, put, state } = setUp({ exchange: true, room: 2 });
    pump.startFetching();
    await settle();
    put('x');
    await settle();
    expect([store.settle.calls.length, store.exchange.calls.length]).toEqual([1, 0]);
    store.deliver(job('a'), job('b'));
    await settle();
    expect(state.room).toBe(0);
    put('y');
    await settle();
    expect([store.settle.calls.length, store.exchange.calls.length]).toEqual([2, 0]);
    await pump.stopFetching();
    state.room = 2;
    put('z');
    await settle();
    expect([store.settle.calls.length, store.exchange.calls.length]).toEqual([3, 0]);
  });

  it.each([
    ['rejects', fails('unavailable')],
    ['throws', throws('unavailable')],
    ['hangs', hangs],
    ['answers with undefined', () => undefined as never],
    ['answers with half of it', () => ({ outcomes: [{ ok: true as const }] }) as never],
    ['answers with the other half', () => ({ deliveries: [] }) as never],
  ])('repeats the settlements and asks again after a backoff when it %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const { pump, clock, store, put, state, arrived, done } = setUp({ exchange: true, room: 1 });
    store.deliver(job('a'), job('b'));
    pump.startFetching();
    await clock.advance(0);
    store.exchange.once(answer);
    state.room = 1;
    put('a');
    await clock.advance(13_000);
    expect(done).toEqual(['a']);
    expect(arrived).toEqual(['a', 'b']);
  });

  it('gives back what it brings late, and takes its outcomes for lost', async () => {
    const { pump, clock, store, put, state, late, done } = setUp({ exchange: true, room: 1 });
    store.deliver(job('a'));
    pump.startFetching();
    await clock.advance(0);
    const held = store.exchange.hold();
    state.room = 1;
    put('a');
    await clock.advance(12_000);
    expect(done).toEqual([]);
    held.answer({ outcomes: [{ ok: true }], deliveries: [job('late')] });
    await clock.advance(100);
    expect(late).toEqual(['late']);
    expect(done).toEqual(['a']);
    expect(store.settlements).toEqual(['ack a', 'ack a']);
  });
});
