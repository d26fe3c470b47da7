import type { Outcome } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { Attempt } from '../../src/engine/attempt.ts';
import { LeaseKeeper } from '../../src/engine/lease-keeper.ts';
import { fails, hangs } from './script.ts';
import { job } from './scripted-store.ts';
import { expectNoUnhandledRejections, linkedStore } from './world.ts';

const LEASE = 30_000;
const LOST: Outcome = { ok: false, code: 'lease-lost' };

async function setUp(settle = 100) {
  const world = linkedStore({
    capabilities: {
      maxBatch: { enqueue: 1, reserve: 1, settle },
      parallel: { enqueue: 1, reserve: 1, settle: 1 },
    },
  });
  await world.link.open();
  const held = new Set<Attempt>();
  const lost: string[] = [];
  const keeper = new LeaseKeeper({
    link: world.link,
    clock: world.clock,
    leaseMs: LEASE,
    held: () => held,
    onLost: (attempt, error) => {
      lost.push(
        `${attempt.delivery.id} ${attempt.lost === error ? 'gone' : 'given up'} at ${world.clock.now() - start}`,
      );
      attempt.abort(error);
    },
  });
  const start = world.clock.now();
  const hold = (id: string) => {
    const attempt = new Attempt(job(id), { do: 'run', suspect: false }, world.clock.now() + LEASE);
    held.add(attempt);
    keeper.watch();
    return attempt;
  };
  const rounds = () => world.store.extend.calls.map(({ args: [receipts] }) => receipts);
  return { ...world, keeper, held, hold, lost, rounds };
}

describe('LeaseKeeper', () => {
  it('renews everything that is held in one call, after a third of the lease', async () => {
    const { hold, clock, rounds, store } = await setUp();
    hold('a');
    hold('b');
    await clock.advance(LEASE / 3 - 1);
    expect(rounds()).toEqual([]);
    await clock.advance(1);
    expect(rounds()).toEqual([['a', 'b']]);
    expect(store.extend.last.slice(1)).toEqual([LEASE, { timeoutMs: 5000 }]);
  });

  it('keeps a lease for as long as the job is held, and no longer', async () => {
    const { hold, held, clock, rounds, lost } = await setUp();
    const a = hold('a');
    await clock.advance(60 * 60 * 1000);
    expect(lost).toEqual([]);
    expect(rounds().length).toBeGreaterThanOrEqual((60 * 60 * 1000) / LEASE);
    const before = rounds().length;
    held.delete(a);
    await clock.advance(LEASE);
    expect(rounds()).toHaveLength(before);
    expect(clock.nextTimer(clock.now() + 1e9)).toBeUndefined();
  });

  it('leaves alone what is young', async () => {
    const { hold, clock, rounds } = await setUp();
    hold('old');
    await clock.advance(9000);
    hold('young');
    await clock.advance(1000);
    expect(rounds()).toEqual([['old']]);
  });

  it('splits what is more than the store takes at once', async () => {
    const { hold, clock, rounds } = await setUp(2);
    for (const id of ['a', 'b', 'c', 'd', 'e']) hold(id);
    await clock.advance(LEASE / 3);
    expect(rounds()).toEqual([['a', 'b'], ['c', 'd'], ['e']]);
  });

  it('says which leases are lost, once, and keeps the others', async () => {
    const { hold, clock, store, lost, rounds } = await setUp();
    const attempts = ['a', 'b', 'c'].map(hold);
    store.extend.once(() => [{ ok: true }, LOST, { ok: false, code: 'throttled' }]);
    await clock.advance(LEASE / 3);
    expect(lost).toEqual(['b gone at 10000']);
    expect(attempts.map(attempt => attempt.lost !== undefined)).toEqual([false, true, false]);
    await clock.advance(LEASE / 6);
    expect(rounds().at(-1)).toEqual(['c']);
    await clock.advance(LEASE);
    expect(lost).toHaveLength(1);
  });

  it('repeats a renewal that failed, and gives up while the lease is still good', async () => {
    const { hold, clock, store, lost, rounds } = await setUp();
    hold('a');
    store.extend.always(fails('unavailable'));
    await clock.advance((5 / 6) * LEASE - 1);
    expect(rounds().length).toBeGreaterThanOrEqual(3);
    expect(lost).toEqual([]);
    await clock.advance(1);
    expect(lost).toEqual(['a given up at 25000']);
    await clock.advance(LEASE);
    expect(lost).toHaveLength(1);
  });

  it('still renews what it gave up: the lease may be good after all', async () => {
    const { hold, clock, store, rounds } = await setUp();
    const a = hold('a');
    store.extend.always(fails('unavailable'));
    await clock.advance(LEASE);
    store.extend.always(receipts => receipts.map(() => ({ ok: true })));
    await clock.advance(LEASE / 6);
    expect(a.leaseUntil).toBeGreaterThan(clock.now());
    expect(a.lost).toBeUndefined();
    expect(rounds().at(-1)).toEqual(['a']);
  });

  it('gives up in time although the driver hangs, and tries again meanwhile', async () => {
    expectNoUnhandledRejections();
    const { hold, clock, store, lost } = await setUp();
    hold('a');
    store.extend.once(hangs);
    await clock.advance(24_999);
    expect(lost).toEqual([]);
    expect(store.extend.calls.length).toBeGreaterThanOrEqual(2);
    const other = await setUp();
    other.hold('a');
    other.store.extend.always(hangs);
    await other.clock.advance(25_000);
    expect(other.lost).toEqual(['a given up at 25000']);
  });

  it('takes a lease for as long as it was when the renewal was asked for', async () => {
    const { hold, clock, store } = await setUp();
    const a = hold('a');
    const held = store.extend.hold();
    await clock.advance(14_000);
    held.answer([{ ok: true }]);
    await clock.advance(0);
    expect(a.leaseUntil).toBe(clock.now() - 4000 + LEASE);
  });

  it('does not mind what has been settled meanwhile', async () => {
    const { hold, clock, store, lost } = await setUp();
    const a = hold('a');
    const held = store.extend.hold();
    await clock.advance(LEASE / 3);
    a.settled = true;
    held.answer([LOST]);
    await clock.advance(0);
    expect(lost).toEqual([]);
  });

  it.each([
    ['too few outcomes', () => []],
    ['undefined', () => undefined as never],
  ])('survives an adapter that answers with %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const { hold, clock, store, lost, rounds } = await setUp();
    hold('a');
    store.extend.once(answer);
    await clock.advance(LEASE / 2);
    expect(lost).toEqual([]);
    expect(rounds()).toHaveLength(2);
  });

  it('lets go of everything when stopped', async () => {
    const { hold, keeper, clock, rounds } = await setUp();
    hold('a');
    keeper.stop();
    await clock.advance(10 * LEASE);
    expect(rounds()).toEqual([]);
  });
});
