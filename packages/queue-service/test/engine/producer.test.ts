import { isQueueError, type NewJob, type Outcome } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { Producer } from '../../src/engine/producer.ts';
import { fails, hangs, losesReply, throws } from './script.ts';
import { newJob, type ScriptedStoreOptions } from './scripted-store.ts';
import { expectNoUnhandledRejections, half, linkedStore, timeTaken, watch } from './world.ts';

const OK: Outcome = { ok: true };
const refused = (code: 'rejected' | 'unavailable' | 'throttled' | 'unknown-outcome' | 'denied'): Outcome => ({
  ok: false,
  code,
});
const jobs = (count: number): NewJob[] => Array.from({ length: count }, (_, index) => newJob(`${index}`));

function setUp(options: Omit<ScriptedStoreOptions, 'clock'> = {}, addTimeoutMs = 10_000) {
  const world = linkedStore(options);
  const { link, clock, store } = world;
  const producer = new Producer({ queue: 'q', link, clock, random: half, addTimeoutMs });
  const sent = () => store.enqueue.calls.map(({ args: [batch] }) => batch.map(({ id }) => id));
  return { ...world, producer, sent };
}

/** With the store reached already: its limits are known. */
async function setUpOpen(...args: Parameters<typeof setUp>) {
  const world = setUp(...args);
  await world.link.open();
  return world;
}

const batches = (enqueue: number, parallel: number): Omit<ScriptedStoreOptions, 'clock'> => ({
  capabilities: {
    maxBatch: { enqueue, reserve: 1, settle: 1 },
    parallel: { enqueue: parallel, reserve: 1, settle: 1 },
  },
});

describe('Producer, adding', () => {
  it('sends a lone job at once', async () => {
    const { producer, sent } = await setUpOpen();
    await producer.add(newJob('a'));
    expect(sent()).toEqual([['a']]);
  });

  it('sends what is added in the same turn together, in order', async () => {
    const { producer, sent } = await setUpOpen();
    await Promise.all(['a', 'b', 'c'].map(id => producer.add(newJob(id))));
    expect(sent()).toEqual([['a', 'b', 'c']]);
  });

  it('sends what is added while a call is in flight together in the next one', async () => {
    const { producer, sent, store, clock } = await setUpOpen(batches(100, 1));
    const held = store.enqueue.hold();
    const first = watch(producer.add(newJob('a')));
    await clock.advance(5);
    const rest = ['b', 'c', 'd'].map(id => watch(producer.add(newJob(id))));
    await clock.advance(5);
    expect(sent()).toEqual([['a']]);
    held.answer([OK]);
    await clock.advance(0);
    expect(sent()).toEqual([['a'], ['b', 'c', 'd']]);
    expect([first, ...rest].every(({ done, error }) => done && error === undefined)).toBe(true);
  });

  it('sends an idle store the half of many, to have it work on one half while the other is dealt with', async () => {
    const { producer, store, clock } = await setUpOpen(batches(1000, 4));
    const held = store.enqueue.hold();
    const first = jobs(100).map(job => watch(producer.add(job)));
    await clock.advance(0);
    const sizes = () => store.enqueue.calls.map(({ args: [batch] }) => batch.length);
    expect(sizes()).toEqual([50, 50]);
    expect(first.filter(({ done }) => done)).toHaveLength(50);
    for (const job of jobs(50)) void producer.add(job);
    await clock.advance(0);
    expect(sizes()).toEqual([50, 50, 50]);
    held.answer(first.slice(0, 50).map(() => OK));
    await clock.advance(0);
    for (const job of jobs(49)) void producer.add(job);
    await clock.advance(0);
    expect(sizes()).toEqual([50, 50, 50, 49]);
  });

  it('sends many in one call to a store that takes one call at a time', async () => {
    const { producer, store } = await setUpOpen(batches(1000, 1));
    await Promise.all(jobs(100).map(job => producer.add(job)));
    expect(store.enqueue.calls).toHaveLength(1);
  });

  it('does not wait for a call that takes long where the store keeps no order, nor for more than four of them', async () => {
    const { capabilities } = batches(100, 1);
    const { producer, sent, store, clock } = await setUpOpen({ capabilities: { ...capabilities, order: 'none' } });
    const held = [];
    for (const id of ['a', 'b', 'c', 'd', 'e']) {
      held.push(store.enqueue.hold());
      void producer.add(newJob(id));
      await clock.advance(500);
    }
    expect(sent()).toEqual([['a'], ['b'], ['c'], ['d'], ['e']]);
    const last = watch(producer.add(newJob('f')));
    await clock.advance(1000);
    expect([sent().length, last.done]).toEqual([5, false]);
    held[2]!.answer([OK]);
    await clock.advance(0);
    expect([sent().at(-1), last.done]).toEqual([['f'], true]);
  });

  it('does not send again what may be stored and has had its time, however many others were stored meanwhile', async () => {
    const { capabilities } = batches(100, 1);
    const { producer, sent, store, clock } = await setUpOpen({ capabilities: { ...capabilities, order: 'none' } });
    const held = store.enqueue.hold();
    const doubtful = watch(producer.add(newJob('doubtful')));
    for (let second = 0; second < 10; second++) {
      await clock.advance(1000);
      await producer.add(newJob(`other ${second}`));
    }
    expect(doubtful.done).toBe(false);
    held.answer([refused('unknown-outcome')]);
    await clock.advance(5000);
    expect(doubtful.error).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    expect(sent().filter(ids => ids.includes('doubtful'))).toHaveLength(1);
  });

  it('waits for a call that takes long where the store keeps the order', async () => {
    const { producer, sent, store, clock } = await setUpOpen(batches(100, 1));
    store.enqueue.hold();
    void producer.add(newJob('a'));
    await clock.advance(5000);
    void producer.add(newJob('b'));
    await clock.advance(1000);
    expect(sent()).toEqual([['a']]);
  });

  it('never sends more at once than the store takes, nor more calls', async () => {
    const { producer, store } = await setUpOpen(batches(10, 3));
    let most = 0;
    store.enqueue.always(async batch => {
      most = Math.max(most, store.enqueue.pending + 1);
      await Promise.resolve();
      return batch.map(() => OK);
    });
    await Promise.all(jobs(95).map(job => producer.add(job)));
    const sizes = store.enqueue.calls.map(({ args: [batch] }) => batch.length);
    expect(sizes).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5]);
    expect(most).toBe(3);
  });

  it('reaches for the store with one small call when its limits are unknown', async () => {
    const { producer, sent } = setUp();
    await Promise.all(jobs(5).map(job => producer.add(job)));
    expect(sent()).toEqual([['0'], ['1', '2', '3', '4']]);
  });

  it('gives the store its whole deadline', async () => {
    const { producer, store } = await setUpOpen({}, 1234);
    await producer.add(newJob('a'));
    expect(store.enqueue.last[1]).toEqual({ timeoutMs: 1234 });
  });
});

describe('Producer, refused', () => {
  it('tells each caller what became of its job', async () => {
    const { producer, store } = await setUpOpen();
    store.enqueue.once(() => [
      OK,
      refused('rejected'),
      OK,
      { ok: false, code: 'payload-too-large' },
      refused('denied'),
    ]);
    const results = await Promise.allSettled(jobs(5).map(job => producer.add(job)));
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled', 'rejected', 'rejected']);
    expect(
      results.map(result => (result.status === 'rejected' ? (result.reason as { code: string }).code : '')),
    ).toEqual(['', 'rejected', '', 'payload-too-large', 'denied']);
    expect(results[3]).toMatchObject({ reason: { size: 1, limit: 1000, jobId: '3', queue: 'q' } });
  });

  it.each(['rejected', 'denied'] as const)('takes a call that is %s for an answer to all', async code => {
    const { producer, store } = await setUpOpen();
    store.enqueue.once(fails(code));
    const results = await Promise.allSettled(jobs(3).map(job => producer.add(job)));
    expect(results.map(result => result.status === 'rejected' && isQueueError(result.reason, code))).toEqual([
      true,
      true,
      true,
    ]);
    expect(store.enqueue.calls).toHaveLength(1);
  });

  it('tries those again that the store could not take yet, and only those', async () => {
    const { producer, store, clock, sent } = await setUpOpen();
    store.enqueue.once(() => [OK, refused('throttled'), OK, refused('unavailable')]);
    const added = jobs(4).map(job => watch(producer.add(job)));
    await clock.advance(0);
    expect(added.map(({ done }) => done)).toEqual([true, false, true, false]);
    await clock.advance(1000);
    expect(added.every(({ done, error }) => done && error === undefined)).toBe(true);
    expect(sent()).toEqual([
      ['0', '1', '2', '3'],
      ['1', '3'],
    ]);
  });

  it('tries again what got no outcome, because the adapter returned too few', async () => {
    const { producer, store, clock, sent } = await setUpOpen();
    store.enqueue.once(() => [OK]);
    const added = jobs(3).map(job => watch(producer.add(job)));
    await clock.advance(1000);
    expect(added.every(({ done, error }) => done && error === undefined)).toBe(true);
    expect(sent()).toEqual([
      ['0', '1', '2'],
      ['1', '2'],
    ]);
  });

  it.each([
    ['undefined', () => undefined as never],
    ['no list', () => ({}) as never],
    ['nothing, as it never returned a promise', throws('unavailable')],
  ])('survives an adapter that answers with %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.once(answer);
    const added = watch(producer.add(newJob('a')));
    await clock.advance(20_000);
    expect(added.done).toBe(true);
    await producer.add(newJob('b'));
  });
});

describe('Producer, while the store is down', () => {
  it('tries again within addTimeout, and leaves the store alone for a moment each time', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.once(fails('unavailable'), fails('throttled'), fails('unknown-outcome'));
    const added = watch(producer.add(newJob('a')));
    await clock.advance(74);
    expect(store.enqueue.calls).toHaveLength(1);
    await clock.advance(1);
    expect(store.enqueue.calls).toHaveLength(2);
    await clock.advance(150 + 300);
    expect(added).toEqual({ done: true, value: undefined });
    expect(store.enqueue.calls).toHaveLength(4);
  });

  it('keeps the order, and sends what was added meanwhile along', async () => {
    const { producer, store, clock, sent } = await setUpOpen();
    store.enqueue.once(fails('unavailable'));
    for (const job of jobs(2)) watch(producer.add(job));
    await clock.advance(10);
    watch(producer.add(newJob('later')));
    await clock.advance(1000);
    expect(sent()).toEqual([
      ['0', '1'],
      ['0', '1', 'later'],
    ]);
  });

  it.each([
    ['unavailable', 'not-stored'],
    ['throttled', 'not-stored'],
    ['unknown-outcome', 'unknown'],
  ] as const)('fails after addTimeout; calls that were %s mean: %s', async (code, outcome) => {
    for (const answer of [fails(code), () => [refused(code)]]) {
      const { producer, store, clock } = await setUpOpen();
      store.enqueue.always(answer);
      const added = producer.add(newJob('a')).catch((error: unknown) => error);
      expect(await timeTaken(clock, added)).toBe(10_000);
      expect(await added).toMatchObject({ code: 'unavailable', outcome, jobId: 'a', queue: 'q' });
    }
  });

  it('never says not-stored once one answer was lost', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.once(losesReply(() => [OK]));
    store.enqueue.always(fails('unavailable'));
    const added = watch(producer.add(newJob('a')));
    await clock.advance(10_000);
    expect(added.error).toMatchObject({ outcome: 'unknown' });
  });

  it('fails after addTimeout although the driver hangs: the outcome is unknown', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.always(hangs);
    const added = producer.add(newJob('a')).catch((error: unknown) => error);
    expect(await timeTaken(clock, added)).toBe(10_000);
    expect(await added).toMatchObject({ outcome: 'unknown' });
  });

  it('says not-stored of what never left, because all calls hang', async () => {
    const { producer, store, clock } = await setUpOpen(batches(1, 1));
    store.enqueue.always(hangs);
    const [first, second] = [watch(producer.add(newJob('a'))), watch(producer.add(newJob('b')))];
    await clock.advance(10_000);
    expect(first.error).toMatchObject({ outcome: 'unknown' });
    expect(second.error).toMatchObject({ outcome: 'not-stored' });
  });

  it('fails soon after addTimeout for each of many that were added one after the other', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.always(fails('unavailable'));
    const late: number[] = [];
    for (let n = 0; n < 300; n++) {
      const start = clock.now();
      void producer.add(newJob(`${n}`)).catch(() => late.push(clock.now() - start));
      await clock.advance(10);
    }
    await clock.advance(20_000);
    expect(late).toHaveLength(300);
    expect(Math.min(...late)).toBeGreaterThanOrEqual(10_000);
    expect(Math.max(...late)).toBeLessThanOrEqual(10_100);
  });

  it('does not wake up for each of them', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.always(hangs);
    for (let n = 0; n < 300; n++) {
      watch(producer.add(newJob(`${n}`)));
      await clock.advance(1);
    }
    let timers = 0;
    const { setTimeout } = clock;
    clock.setTimeout = (callback, ms) => {
      timers++;
      return setTimeout.call(clock, callback, ms);
    };
    await clock.advance(10_500);
    expect(timers).toBeLessThan(20);
  });

  it('lets no more than so many jobs wait', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.always(fails('unavailable'));
    watch(producer.add(newJob('first')));
    await clock.advance(0);
    const added = jobs(10_100).map(job => watch(producer.add(job)));
    await clock.advance(0);
    const turnedAway = added.filter(({ done }) => done);
    expect(turnedAway).toHaveLength(101);
    expect(turnedAway[0]?.error).toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
    await clock.advance(10_000);
    expect(added.every(({ done }) => done)).toBe(true);
  });

  it('works again once the store is back, without being asked', async () => {
    const { producer, store, clock } = await setUpOpen();
    store.enqueue.always(fails('unavailable'));
    watch(producer.add(newJob('a')));
    await clock.advance(60_000);
    store.enqueue.always(batch => batch.map(() => OK));
    await producer.add(newJob('b'));
    expect(store.enqueue.last[0].map(({ id }) => id)).toEqual(['b']);
  });
});

describe('Producer, in front of a busy store', () => {
  /** Takes one job at a time, and needs `ms` for it. */
  async function slowStore(ms: number) {
    const world = await setUpOpen(batches(1, 1));
    world.store.enqueue.always(async batch => {
      await new Promise<void>(resolve => void world.clock.setTimeout(resolve, ms));
      return batch.map(() => OK);
    });
    return world;
  }

  it.each([999, 1000, 1001, 4000, 9000])(
    'does not give up on a long line as long as the store takes something (every %i ms)',
    async ms => {
      const { producer, clock } = await slowStore(ms);
      const added = jobs(30).map(job => watch(producer.add(job)));
      await clock.advance(30 * ms);
      expect(added.filter(({ error }) => error !== undefined)).toEqual([]);
      expect(added.every(({ done }) => done)).toBe(true);
    },
  );

  it('gives up addTimeout after it took the last one', async () => {
    const { producer, clock, store } = await slowStore(1000);
    const added = jobs(30).map(job => watch(producer.add(job)));
    await clock.advance(9500);
    store.enqueue.always(hangs);
    await clock.advance(500);
    expect(added.filter(({ done }) => done)).toHaveLength(10);
    await clock.advance(10_100);
    expect(added.every(({ done }) => done)).toBe(true);
    expect(added[10]?.error).toMatchObject({ outcome: 'unknown' });
    expect(added[11]?.error).toMatchObject({ outcome: 'not-stored' });
  });
});

describe('Producer, idle', () => {
  it('is idle once nothing waits or is in flight', async () => {
    const { producer, store, clock } = await setUpOpen();
    await producer.idle();
    const held = store.enqueue.hold();
    watch(producer.add(newJob('a')));
    const idle = watch(producer.idle());
    await clock.advance(0);
    expect(idle.done).toBe(false);
    held.answer([OK]);
    await clock.advance(0);
    expect(idle.done).toBe(true);
  });

  it('becomes idle although the store stays down', async () => {
    for (const answer of [hangs, fails('unavailable')]) {
      const { producer, store, clock } = await setUpOpen(batches(1, 1));
      store.enqueue.always(answer);
      for (const job of jobs(20)) watch(producer.add(job));
      expect(await timeTaken(clock, producer.idle())).toBeLessThanOrEqual(20_000);
    }
  });

  it('refuses more than ten thousand once the store has been silent for half of addTimeout, and not before', async () => {
    expectNoUnhandledRejections();
    const { producer, store, clock } = await setUpOpen();
    await producer.add(newJob('first'));
    store.enqueue.always(hangs);
    let refusals = 0;
    const add = (job: NewJob) => void producer.add(job).catch(() => refusals++);
    jobs(12_000).forEach(add);
    await clock.advance(4900);
    jobs(10).forEach(add);
    await clock.advance(0);
    expect(refusals).toBe(0);
    await clock.advance(200);
    jobs(100).forEach(add);
    await clock.advance(0);
    expect(refusals).toBe(100);
  });
});
