import { isQueueError, QueueUnavailableError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { isTransient } from '../../src/engine/store-link.ts';
import { fails, hangs, throws } from './script.ts';
import { expectNoUnhandledRejections, linkedStore, timeTaken, watch } from './world.ts';

describe('StoreLink, opening', () => {
  it('opens the queue once, for all who ask at the same time', async () => {
    const { link, store } = linkedStore();
    expect(link.current).toBeUndefined();
    expect(link.capabilities).toBeUndefined();
    const [one, other] = await Promise.all([link.open(), link.open(), link.call('counts', 1, queue => queue.counts())]);
    expect(one).toBe(other);
    expect(store.connecting.calls).toHaveLength(1);
    expect(store.opening.calls.map(({ args }) => args)).toEqual([[{ plugin: 'p', name: 'q' }]]);
    expect(link.current).toBe(one);
    expect(link.capabilities).toBe(store.capabilities);
  });

  it.each([
    ['connecting is refused', 'connecting', fails('unavailable')],
    ['connecting throws at once', 'connecting', throws('unavailable')],
    ['opening is refused', 'opening', fails('unavailable')],
    ['opening throws at once', 'opening', throws('unavailable')],
  ] as const)('does not remember a failure: %s', async (_, call, answer) => {
    const { link, store } = linkedStore();
    store[call].once(answer, answer);
    for (let time = 0; time < 2; time++) {
      await expect(link.open()).rejects.toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
      expect(link.healthy).toBe(false);
    }
    await link.open();
    expect(link.healthy).toBe(true);
  });

  it('says what the driver says about an error, and takes one without a connection for an outage', async () => {
    const { link, store } = linkedStore();
    store.connecting.once(fails('denied'));
    await expect(link.open()).rejects.toMatchObject({ code: 'unavailable' });
    store.opening.once(fails('denied'));
    await expect(link.open()).rejects.toMatchObject({ code: 'denied', queue: 'q' });
  });

  it.each(['connecting', 'opening'] as const)(
    'gives up on a driver that hangs while %s, and tries anew',
    async call => {
      const { link, store, clock } = linkedStore();
      store[call].once(hangs);
      const error = link.open().catch((thrown: unknown) => thrown);
      expect(await timeTaken(clock, error)).toBe(15_000);
      expect(isQueueError(await error, 'unavailable')).toBe(true);
      await link.open();
    },
  );

  it('closes a queue that was opened too late', async () => {
    const { link, store, clock } = linkedStore();
    const late = store.opening.hold();
    const opened = watch(link.open());
    await clock.advance(15_000);
    expect(opened.error).toBeDefined();
    const abandoned = await store.open({ plugin: '', name: 'late' });
    late.answer(abandoned);
    await clock.advance(0);
    expect(store.closing.calls).toHaveLength(1);
  });
});

describe('StoreLink, calling', () => {
  it.each([
    ['unavailable', 'unavailable'],
    ['unknown-outcome', 'unknown-outcome'],
    ['throttled', 'throttled'],
    ['denied', 'denied'],
    ['lease-lost', 'lease-lost'],
    ['rejected', 'rejected'],
    ['payload-too-large', 'rejected'],
    ['shutdown', 'rejected'],
  ] as const)('wraps an error that the driver calls %s as %s', async (code, wrapped) => {
    const { link, store, errors } = linkedStore();
    for (const answer of [fails(code), throws(code)]) {
      store.counts.once(answer);
      const error = await link.call('counts', 1, queue => queue.counts()).catch((thrown: unknown) => thrown);
      if (!isQueueError(error)) throw error;
      expect(error).toMatchObject({ code: wrapped, queue: 'q' });
      expect(error.cause).toMatchObject({ code });
      expect(errors.at(-1)).toBe(error);
      expect(link.lastError).toMatchObject({ code: wrapped });
    }
  });

  it("passes the driver's own QueueErrors on, and calls it a refusal when it cannot classify", async () => {
    const { link, store } = linkedStore();
    const own = new QueueUnavailableError('not-stored', 'gone');
    store.counts.once(() => Promise.reject(own));
    await expect(link.call('counts', 1, queue => queue.counts())).rejects.toBe(own);
    store.classify = () => {
      throw new Error('what is this?');
    };
    store.counts.once(fails('unavailable'));
    await expect(link.call('counts', 1, queue => queue.counts())).rejects.toMatchObject({ code: 'rejected' });
  });

  it('gives up on a call that hangs, two seconds after its deadline, and says that its outcome is unknown', async () => {
    const { link, store, clock } = linkedStore();
    await link.open();
    store.counts.once(hangs);
    const call = link.call('counts', 5000, queue => queue.counts()).catch((thrown: unknown) => thrown);
    expect(await timeTaken(clock, call)).toBe(7000);
    expect(await call).toMatchObject({ code: 'unknown-outcome' });
  });

  it('hands what comes late to whoever wants it, once', async () => {
    const { link, store, clock } = linkedStore();
    await link.open();
    const held = store.counts.hold();
    const late: unknown[] = [];
    const call = watch(
      link.call(
        'counts',
        0,
        queue => queue.counts(),
        result => void late.push(result),
      ),
    );
    await clock.advance(2000);
    expect(call.error).toMatchObject({ code: 'unknown-outcome' });
    const counts = { waiting: 1, delayed: 0, active: 0 };
    held.answer(counts);
    await clock.advance(0);
    expect(late).toEqual([counts]);
    await link.call(
      'counts',
      0,
      queue => queue.counts(),
      result => void late.push(result),
    );
    expect(late).toHaveLength(1);
  });

  it('is not disturbed by an error that comes late', async () => {
    expectNoUnhandledRejections();
    const { link, store, clock } = linkedStore();
    await link.open();
    const held = store.counts.hold();
    watch(link.call('counts', 0, queue => queue.counts()));
    await clock.advance(2000);
    held.fail('unavailable');
    await clock.advance(0);
  });

  it('leaves no timer behind', async () => {
    const { link, clock } = linkedStore();
    await link.call('counts', 1000, queue => queue.counts());
    expect(clock.nextTimer(clock.now() + 1e9)).toBeUndefined();
  });
});

describe('StoreLink, closing', () => {
  it('closes within the time, whatever the driver does, and never rejects', async () => {
    expectNoUnhandledRejections();
    const { link, store, clock, lines } = linkedStore();
    for (const answer of [hangs, fails('unavailable'), throws('unavailable')]) {
      await link.open();
      store.closing.once(answer);
      expect(await timeTaken(clock, link.close(5000))).toBeLessThanOrEqual(7000);
      expect(link.current).toBeUndefined();
      await clock.advance(60_000);
    }
    expect(lines.filter(line => line.includes('Closing the queue failed'))).toHaveLength(3);
  });

  it('closes once, for all who ask at the same time, and nothing that is not open', async () => {
    const { link, store } = linkedStore();
    await link.close(1);
    expect(store.connecting.calls).toHaveLength(0);
    await link.open();
    await Promise.all([link.close(5000), link.close(5000)]);
    await link.close(5000);
    expect(store.closing.calls.map(({ args }) => args)).toEqual([[{ timeoutMs: 5000 }]]);
  });

  it('opens again for a call that comes afterwards', async () => {
    const { link, store } = linkedStore();
    const before = await link.open();
    await link.close(1);
    await link.call('counts', 1, queue => queue.counts());
    expect(link.current).not.toBe(before);
    expect(store.opening.calls).toHaveLength(2);
  });

  it('lets a call that comes meanwhile wait, and opens for it', async () => {
    const { link, store, clock } = linkedStore();
    await link.open();
    const held = store.closing.hold();
    const closed = watch(link.close(5000));
    const counted = watch(link.call('counts', 1, queue => queue.counts()));
    await clock.advance(0);
    expect([closed.done, counted.done]).toEqual([false, false]);
    held.answer();
    await clock.advance(0);
    expect([closed.done, counted.done]).toEqual([true, true]);
    expect(counted.error).toBeUndefined();
    expect(store.opening.calls).toHaveLength(2);
  });

  it('closes what was just being opened', async () => {
    const { link, store, clock } = linkedStore();
    const opening = store.opening.hold();
    const opened = watch(link.open());
    const closed = watch(link.close(5000));
    await clock.advance(100);
    opening.answer(await store.open({ plugin: '', name: 'x' }));
    await clock.advance(0);
    expect(opened.error).toBeUndefined();
    expect(closed.done).toBe(true);
    expect(store.closing.calls).toHaveLength(1);
    expect(link.current).toBeUndefined();
  });

  it.each(['connecting', 'opening'] as const)('does not wait longer than its time while %s hangs', async call => {
    const { link, store, clock } = linkedStore();
    const held = call === 'opening' ? store.opening.hold() : undefined;
    if (call === 'connecting') store.connecting.once(hangs);
    const opened = watch(link.open());
    expect(await timeTaken(clock, link.close(5000))).toBeLessThanOrEqual(5000);
    // A call that comes now does not wait for the old attempt.
    await link.call('counts', 1, queue => queue.counts());
    const reopened = link.current;
    held?.answer(await store.open({ plugin: '', name: 'x' }));
    await clock.advance(15_000);
    expect(opened.error).toMatchObject({ code: 'unavailable' });
    expect(link.current).toBe(reopened);
    // What was opened after all is closed, and nothing else.
    expect(store.closing.calls).toHaveLength(held === undefined ? 0 : 1);
    expect(link.healthy).toBe(true);
  });

  it('is not disturbed by calls that are still in flight', async () => {
    expectNoUnhandledRejections();
    const { link, store, clock, errors } = linkedStore();
    await link.open();
    store.reserve.once(hangs);
    const request = { max: 1, leaseMs: 1, waitMs: 0, signal: new AbortController().signal };
    const call = watch(link.call('reserve', 1000, queue => queue.reserve(request)));
    await link.close(5000);
    await clock.advance(10_000);
    expect(call.error).toMatchObject({ code: 'unknown-outcome' });
    // Nobody is left for whom the store would be down.
    expect(link.healthy).toBe(true);
    expect(errors).toEqual([]);
  });
});

describe('StoreLink, its health', () => {
  const reserve = { max: 1, leaseMs: 1, waitMs: 0, signal: new AbortController().signal };

  it('is bad from a failed call to the next good one, and keeps the error', async () => {
    const { link, store, lines } = linkedStore();
    store.counts.once(fails('unavailable'));
    await link.call('counts', 1, queue => queue.counts()).catch(() => {});
    expect(link.healthy).toBe(false);
    await link.call('counts', 1, queue => queue.counts());
    expect(link.healthy).toBe(true);
    expect(link.lastError).toMatchObject({ code: 'unavailable' });
    expect(lines.at(-1)).toBe('info Queue q: the store answers again');
  });

  it.each(['enqueue', 'counts', 'extend', 'standby', 'connect'] as const)(
    'heals with any answer of the store after a failed %s, which nobody may ever ask for again',
    async operation => {
      const { link } = linkedStore();
      await link.open();
      await link.call(operation, 1, fails('unavailable')).catch(() => {});
      expect(link.healthy).toBe(false);
      await link.call('reserve', 1, queue => queue.reserve(reserve));
      expect(link.healthy).toBe(true);
    },
  );

  it.each(['reserve', 'settle'] as const)(
    'does not heal by adding while %s fails: that is repeated until it works',
    async operation => {
      const { link } = linkedStore();
      await link.open();
      await link.call(operation, 1, fails('denied')).catch(() => {});
      await link.call('enqueue', 1, queue => queue.enqueue([], { timeoutMs: 1 }));
      expect(link.healthy).toBe(false);
      await link.call(operation, 1, async () => {});
      expect(link.healthy).toBe(true);
    },
  );

  it('starts anew when the queue is closed', async () => {
    const { link } = linkedStore();
    await link.open();
    await link.call('reserve', 1, fails('denied')).catch(() => {});
    await link.close(1);
    expect(link.healthy).toBe(true);
  });

  it('logs an outage once, not every call', async () => {
    const { link, store, lines, clock } = linkedStore();
    await link.open();
    store.counts.always(fails('unavailable'));
    for (let call = 0; call < 50; call++) {
      await link.call('counts', 1, queue => queue.counts()).catch(() => {});
      await clock.advance(1000);
    }
    expect(lines).toHaveLength(1);
  });
});

describe('isTransient', () => {
  it('is what may pass by itself', () => {
    expect((['unavailable', 'unknown-outcome', 'throttled'] as const).every(isTransient)).toBe(true);
    expect((['denied', 'rejected', 'lease-lost', 'payload-too-large'] as const).some(isTransient)).toBe(false);
  });
});
