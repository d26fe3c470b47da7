import { isQueueError, type NewJob, type Outcome } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { Producer } from '../../src/engine/producer.ts';
import { fails, hangs } from './script.ts';
import { newJob } from './scripted-store.ts';
import { half, linkedStore, timeTaken, watch } from './world.ts';

const OK: Outcome = { ok: true };
const jobs = (count: number): NewJob[] => Array.from({ length: count }, (_, index) => newJob(`${index}`));

function setUp(enqueue = 10, parallel = 2) {
  const world = linkedStore({
    capabilities: {
      maxBatch: { enqueue, reserve: 1, settle: 1 },
      parallel: { enqueue: parallel, reserve: 1, settle: 1 },
    },
  });
  const { link, clock } = world;
  return { ...world, producer: new Producer({ queue: 'q', link, clock, random: half, addTimeoutMs: 10_000 }) };
}

describe('Producer.addAll', () => {
  it('adds all in batches, in order', async () => {
    const { producer, store } = setUp();
    await producer.addAll(jobs(65));
    const sent = store.enqueue.calls.map(({ args: [batch] }) => batch.map(({ id }) => id));
    expect(sent.map(batch => batch.length)).toEqual([10, 10, 10, 10, 10, 10, 5]);
    expect(sent.flat()).toEqual(jobs(65).map(({ id }) => id));
  });

  it('adds nothing without ado', async () => {
    const { producer, store } = setUp();
    await producer.addAll([]);
    expect(store.enqueue.calls).toHaveLength(0);
  });

  it('says of each job whether it is stored, when some are not', async () => {
    const { producer, store } = setUp();
    store.enqueue.once(() => [OK, { ok: false, code: 'denied' }, OK]);
    const error = await producer.addAll(jobs(3)).catch((thrown: unknown) => thrown);
    if (!isQueueError(error, 'bulk-add')) throw error;
    expect(error.results).toMatchObject(['0', { code: 'denied', jobId: '1' }, '2']);
    expect(error.message).toMatch(/1 of 3 jobs were not stored/);
  });

  it('fails as a single job would when none is stored', async () => {
    const { producer, store } = setUp();
    store.enqueue.always(fails('denied'));
    await expect(producer.addAll(jobs(3))).rejects.toMatchObject({ code: 'denied' });
  });

  it('fails within addTimeout when the store was never reached', async () => {
    const { producer, store, clock } = setUp();
    store.connecting.always(fails('unavailable'));
    const added = producer.addAll(jobs(1000)).catch((error: unknown) => error);
    expect(await timeTaken(clock, added)).toBeLessThanOrEqual(10_000);
    expect(await added).toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
  });

  it('fails about as soon, however many jobs there are, when the store is down', async () => {
    for (const answer of [fails('unavailable'), hangs]) {
      const { producer, store, clock, link } = setUp();
      await link.open();
      store.enqueue.always(answer);
      const added = producer.addAll(jobs(1000)).catch((error: unknown) => error);
      expect(await timeTaken(clock, added)).toBeLessThanOrEqual(10_100);
      expect(await added).toMatchObject({ code: 'unavailable' });
    }
  });

  it('says of the rest that it is not stored, when the store goes down in the middle', async () => {
    const { producer, store, clock } = setUp();
    store.enqueue.once(...Array.from({ length: 4 }, () => (batch: readonly NewJob[]) => batch.map(() => OK)));
    store.enqueue.always(fails('unknown-outcome'));
    const added = watch(producer.addAll(jobs(1000)));
    await clock.advance(10_100);
    if (!isQueueError(added.error, 'bulk-add')) throw added.error;
    const { results } = added.error;
    expect(results).toHaveLength(1000);
    expect(results.slice(0, 40)).toEqual(jobs(40).map(({ id }) => id));
    expect(results[40]).toMatchObject({ outcome: 'unknown', jobId: '40' });
    expect(results[999]).toMatchObject({ outcome: 'not-stored', jobId: '999' });
  });
});

describe('Producer.capabilities', () => {
  it('reaches for the store until it is there, for all who ask', async () => {
    const { producer, store, clock } = setUp();
    store.connecting.once(fails('unavailable'), fails('unavailable'));
    const asked = [watch(producer.capabilities()), watch(producer.capabilities())];
    await clock.advance(1000);
    expect(asked.map(({ value }) => value)).toEqual([store.capabilities, store.capabilities]);
    expect(store.connecting.calls).toHaveLength(3);
  });

  it('gives up after addTimeout, also when connecting hangs, and starts anew for whoever asks next', async () => {
    for (const answer of [hangs, fails('unavailable')]) {
      const { producer, store, clock } = setUp();
      store.connecting.always(answer);
      const asked = producer.capabilities().catch((error: unknown) => error);
      expect(await timeTaken(clock, asked)).toBeLessThanOrEqual(10_000);
      expect(await asked).toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
      await clock.advance(15_000);
      store.connecting.always(() => store);
      expect(await producer.capabilities()).toBe(store.capabilities);
    }
  });

  it('passes on at once what will not change', async () => {
    const { producer, store } = setUp();
    store.opening.always(fails('denied'));
    await expect(producer.capabilities()).rejects.toMatchObject({ code: 'denied' });
  });

  it('lets no more than so many wait for it', async () => {
    const { producer, store, clock } = setUp();
    store.connecting.always(hangs);
    const asked = Array.from({ length: 10_100 }, () => watch(producer.capabilities()));
    await clock.advance(0);
    expect(asked.filter(({ done }) => done)).toHaveLength(100);
    expect(asked.at(-1)?.error).toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
    await clock.advance(10_000);
    expect(asked.every(({ done }) => done)).toBe(true);
  });
});
