import type { Settlement } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { openTestQueue, words } from './test-queue.ts';

describe('settling', () => {
  it('answers entry by entry: a stale one spoils none of the others', async () => {
    const queue = await openTestQueue();
    await queue.add({}, {}, { id: 'retried' }, { id: 'released' }, {});
    const [acked, stale, retried, released, buried] = await queue.take(5);
    await queue.ack(stale!);
    const outcomes = await queue.settle(
      { kind: 'ack', receipt: acked!.receipt },
      { kind: 'ack', receipt: stale!.receipt },
      { kind: 'retry', receipt: retried!.receipt, delayMs: 100, note: 'later' },
      { kind: 'release', receipt: released!.receipt },
      { kind: 'dead', receipt: buried!.receipt, note: 'over' },
    );
    const lost = { ok: false, code: 'lease-lost' };
    expect(outcomes).toEqual([{ ok: true }, lost, { ok: true }, { ok: true }, { ok: true }]);
    expect(await queue.counts()).toEqual({ waiting: 1, delayed: 1, active: 0, dead: 1 });
    expect(await queue.order()).toEqual(['released']);
    queue.clock.advance(100);
    expect(await queue.order()).toEqual(['retried']);
  });

  it('counts a retry as an attempt, and a release not, at once or later', async () => {
    const queue = await openTestQueue();
    await queue.add({});
    await queue.retry(await queue.takeOne());
    await queue.release(await queue.takeOne());
    await queue.release(await queue.takeOne(), { delayMs: 10 });
    queue.clock.advance(10);
    expect((await queue.takeOne()).attempt).toBe(2);
  });

  it('keeps the note of a retry over releases and ended leases, until another one replaces it', async () => {
    const queue = await openTestQueue();
    await queue.add({});
    await queue.retry(await queue.takeOne(), 0, 'first');
    await queue.release(await queue.takeOne());
    await queue.takeOne(100);
    queue.clock.advance(100);
    const job = await queue.takeOne();
    expect(job.note).toBe('first');
    await queue.release(job, { note: 'of the release' });
    const released = await queue.takeOne();
    expect(released.note).toBe('of the release');
    await queue.release(released, { note: '' });
    expect((await queue.takeOne()).note).toBe('');
  });
});

describe('an exchange', () => {
  it('settles, then leases, in that order', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' }, { id: 'b' }, { id: 'c' });
    const [a, b] = await queue.take(2);
    const settlements: Settlement[] = [
      { kind: 'ack', receipt: a!.receipt },
      { kind: 'release', receipt: b!.receipt },
      { kind: 'ack', receipt: a!.receipt },
    ];
    const { outcomes, deliveries } = await queue.raw.exchange!(settlements, { max: 9, leaseMs: 100, timeoutMs: 1000 });
    expect(outcomes.map(({ ok }) => ok)).toEqual([true, true, false]);
    expect(deliveries).toMatchObject([
      { id: 'b', attempt: 1 },
      { id: 'c', attempt: 1 },
    ]);
    queue.clock.advance(100);
    expect(await queue.counts()).toMatchObject({ waiting: 2, active: 0 });
    expect(await words(queue.ack(...deliveries))).toEqual(['lease-lost', 'lease-lost']);
  });

  it('leases no more than it is asked for, and answers an empty queue at once', async () => {
    const queue = await openTestQueue();
    const request = { max: 2, leaseMs: 100, timeoutMs: 1000 };
    expect(await queue.raw.exchange!([], request)).toEqual({ outcomes: [], deliveries: [] });
    await queue.add({}, {}, {});
    expect((await queue.raw.exchange!([], request)).deliveries).toHaveLength(2);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 2 });
  });

  it('gives what it hands back to whoever waits, before itself', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const job = await queue.takeOne();
    const waiting = queue.reserve({ waitMs: 1000 });
    const { deliveries } = await queue.raw.exchange!([{ kind: 'release', receipt: job.receipt }], {
      max: 1,
      leaseMs: 100,
      timeoutMs: 1000,
    });
    expect(deliveries).toEqual([]);
    expect(await waiting).toMatchObject([{ id: 'a' }]);
  });
});
