import { type Outcome, QueueUnavailableError, type QueueErrorCode, StoreError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { Attempt } from '../../src/engine/attempt.ts';
import { Outbox, type OutboxEntry } from '../../src/engine/outbox.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { job } from './scripted-store.ts';
import { half, watch } from './world.ts';

const OK: Outcome = { ok: true };
const failed = (code: QueueErrorCode): Outcome => ({ ok: false, code });

function setUp() {
  const clock = new ManualClock();
  const log: string[] = [];
  let ready = 0;
  const outbox = new Outbox({
    clock,
    random: half,
    onReady: () => void ready++,
    onDone: ({ settlement }) => void log.push(`done ${String(settlement.receipt)}`),
    onLost: ({ settlement }, code) => void log.push(`lost ${String(settlement.receipt)} ${code}`),
  });
  const put = (...ids: string[]) => {
    for (const id of ids) outbox.put(entry(id));
  };
  const take = (max = 100) => outbox.take(max);
  const ids = (batch: readonly OutboxEntry[]) => batch.map(({ settlement }) => settlement.receipt);
  return { clock, outbox, log, put, take, ids, readyCalls: () => ready };
}

function entry(id: string, attempt = new Attempt(job(id), { do: 'run', suspect: false }, 0)): OutboxEntry {
  return {
    settlement: { receipt: id, kind: 'ack' },
    attempt,
    onDone: undefined,
    onEnd: undefined,
    uncertain: false,
    refusals: 0,
  };
}

const unavailable = new QueueUnavailableError('not-stored', 'down');
const lostReply = new StoreError('unknown-outcome', 'lost');

describe('Outbox', () => {
  it('gives out what was put, in order and batches, each once', () => {
    const { outbox, put, take, ids } = setUp();
    put('a', 'b', 'c');
    expect(outbox.hasReady).toBe(true);
    expect(ids(take(2))).toEqual(['a', 'b']);
    expect(ids(take(2))).toEqual(['c']);
    expect(outbox.hasReady).toBe(false);
    expect(outbox.size).toBe(3);
  });

  it('is done with what the store carried out', () => {
    const { outbox, put, take, log } = setUp();
    put('a', 'b');
    outbox.answered(take(), [OK, OK]);
    expect(log).toEqual(['done a', 'done b']);
    expect(outbox.size).toBe(0);
  });

  it('sends again what failed, after a moment, and not its neighbours', async () => {
    const { outbox, put, take, ids, log, clock, readyCalls } = setUp();
    put('a', 'b', 'c');
    outbox.answered(take(), [OK, failed('throttled'), OK]);
    expect(log).toEqual(['done a', 'done c']);
    expect(outbox.hasReady).toBe(false);
    expect(outbox.size).toBe(1);
    await clock.advance(75);
    expect(readyCalls()).toBe(1);
    expect(ids(take())).toEqual(['b']);
  });

  it('sends everything again when the call failed', async () => {
    const { outbox, put, take, ids, clock } = setUp();
    put('a', 'b');
    outbox.unanswered(take(), lostReply);
    await clock.advance(75);
    expect(ids(take())).toEqual(['a', 'b']);
  });

  it('sends again what got no outcome, because the adapter returned too few', async () => {
    const { outbox, put, take, ids, clock } = setUp();
    put('a', 'b');
    outbox.answered(take(), [OK]);
    await clock.advance(75);
    expect(ids(take())).toEqual(['b']);
  });

  it('leaves a store that fails alone for longer each time, up to five seconds', async () => {
    const { outbox, put, take, clock } = setUp();
    put('a');
    const pauses: number[] = [];
    for (let round = 0; round < 8; round++) {
      outbox.unanswered(take(), unavailable);
      const start = clock.now();
      while (!outbox.hasReady) await clock.advance(25);
      pauses.push(clock.now() - start);
    }
    expect(pauses).toEqual([75, 150, 300, 600, 1200, 2400, 3750, 3750]);
    outbox.answered(take(), [OK]);
    put('b');
    outbox.unanswered(take(), unavailable);
    await clock.advance(75);
    expect(outbox.hasReady).toBe(true);
  });

  it('repeats what the store misses for as long as it takes', async () => {
    const { outbox, put, take, log, clock } = setUp();
    put('a');
    for (let round = 0; round < 1000; round++) {
      outbox.unanswered(take(), round % 2 === 0 ? unavailable : lostReply);
      await clock.advance(5000);
    }
    expect(log).toEqual([]);
    outbox.answered(take(), [OK]);
    expect(log).toEqual(['done a']);
  });

  it('gives up on what the store refuses eight times', async () => {
    const { outbox, put, take, log, clock } = setUp();
    put('a');
    for (let round = 0; round < 8; round++) {
      expect(log).toEqual([]);
      outbox.answered(take(), [failed('denied')]);
      await clock.advance(5000);
    }
    expect(log).toEqual(['lost a denied']);
    expect(outbox.size).toBe(0);
  });

  it('does not count an outage as refusals', async () => {
    const { outbox, put, take, log, clock } = setUp();
    put('a');
    for (let round = 0; round < 20; round++) {
      outbox.unanswered(take(), unavailable);
      await clock.advance(5000);
    }
    outbox.answered(take(), [failed('rejected')]);
    await clock.advance(5000);
    expect(log).toEqual([]);
    outbox.answered(take(), [OK]);
    expect(log).toEqual(['done a']);
  });

  it('lists the attempts of everything that is not answered', () => {
    const { outbox, put, take } = setUp();
    put('later', 'flying', 'ready');
    outbox.unanswered(take(1), unavailable);
    take(1);
    outbox.put({ ...entry('unreadable'), attempt: undefined });
    const held = [...outbox.attempts()].map(({ delivery }) => delivery.id);
    expect(held.toSorted()).toEqual(['flying', 'later', 'ready']);
  });
});

describe('Outbox, told that a lease is lost', () => {
  it('has lost what it sent for the first time', () => {
    const { outbox, put, take, log } = setUp();
    put('a');
    outbox.answered(take(), [failed('lease-lost')]);
    expect(log).toEqual(['lost a lease-lost']);
    expect(outbox.size).toBe(0);
  });

  it('takes it for a success when it was sent before: only that answer was lost', async () => {
    const { outbox, put, take, log, clock } = setUp();
    put('a', 'b');
    outbox.unanswered(take(), lostReply);
    await clock.advance(75);
    outbox.answered(take(), [failed('lease-lost'), OK]);
    expect(log).toEqual(['done a', 'done b']);
  });

  it('does not when the renewal had reported the loss before', async () => {
    const { outbox, take, log, clock } = setUp();
    const attempt = new Attempt(job('a'), { do: 'run', suspect: false }, 0);
    outbox.put(entry('a', attempt));
    outbox.unanswered(take(), lostReply);
    attempt.lost = Object.assign(new Error('gone')) as NonNullable<typeof attempt.lost>;
    await clock.advance(75);
    outbox.answered(take(), [failed('lease-lost')]);
    expect(log).toEqual(['lost a lease-lost']);
  });
});

describe('Outbox.idle', () => {
  it('waits for what is ready, in flight and waiting to be sent again', async () => {
    const { outbox, put, take, clock } = setUp();
    await outbox.idle();
    put('a', 'b');
    const idle = watch(outbox.idle());
    const batch = take();
    await clock.advance(0);
    expect(idle.done).toBe(false);
    outbox.answered(batch, [OK, failed('throttled')]);
    await clock.advance(0);
    expect(idle.done).toBe(false);
    await clock.advance(75);
    expect(idle.done).toBe(false);
    outbox.answered(take(), [OK]);
    await clock.advance(0);
    expect(idle.done).toBe(true);
  });

  it('ends for a settlement that is lost as well', async () => {
    const { outbox, put, take, clock } = setUp();
    put('a');
    const idle = watch(outbox.idle());
    outbox.unanswered(take(), new StoreError('unknown-outcome', 'x'));
    await clock.advance(75);
    outbox.answered(take(), [failed('lease-lost')]);
    await clock.advance(0);
    expect(idle.done).toBe(true);
  });
});
