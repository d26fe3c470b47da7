import { isQueueError, type JobOptions, type ProcessOptions } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fails } from './script.ts';
import { job } from './scripted-store.ts';
import { scriptedQueue, timeTaken, watch } from './world.ts';

const added = (store: ReturnType<typeof scriptedQueue>['store']) =>
  store.enqueue.calls.flatMap(({ args: [jobs] }) => jobs);

describe('Queue.add', () => {
  it('stores the payload as text under an id of its own, with defaults', async () => {
    const { queue, store, of } = scriptedQueue();
    const id = await queue.add({ to: 'x' });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
    expect(added(store)).toEqual([{ id, body: '{"to":"x"}', headers: {}, priority: 20, delayMs: 0 }]);
    expect(of('added')).toEqual([{ event: 'added', id }]);
  });

  it('passes the options on', async () => {
    const { queue, store } = scriptedQueue();
    await queue.add(1, { delay: 1500, priority: -3, maxAttempts: 7 });
    expect(added(store)).toMatchObject([{ priority: -3, delayMs: 1500, headers: { maxAttempts: '7' } }]);
  });

  it.each<[string, unknown, string]>([
    ['a negative delay', { delay: -1 }, 'delay'],
    ['a delay that is no number', { delay: '5' }, 'delay'],
    ['NaN as delay', { delay: NaN }, 'delay'],
    ['an infinite delay', { delay: Infinity }, 'delay'],
    ['more than 365 days', { delay: 365 * 86_400_000 + 1 }, 'delay'],
    ['a fractional priority', { priority: 1.5 }, 'priority'],
    ['too large a priority', { priority: 1_000_001 }, 'priority'],
    ['too small a priority', { priority: -1_000_001 }, 'priority'],
    ['a priority that is no number', { priority: 'high' }, 'priority'],
    ['no attempts at all', { maxAttempts: 0 }, 'maxAttempts'],
    ['half an attempt', { maxAttempts: 1.5 }, 'maxAttempts'],
    ['endless attempts', { maxAttempts: Infinity }, 'maxAttempts'],
    ['an unknown option', { attempts: 3 }, 'attempts'],
    ['null for options', null, 'options'],
    ['text for options', 'fast', 'options'],
  ])('refuses %s', async (_, options, field) => {
    const { queue, store } = scriptedQueue();
    await expect(queue.add(1, options as JobOptions)).rejects.toMatchObject({ code: 'invalid-argument', field });
    await expect(queue.addBulk([{ payload: 1, options: options as JobOptions }])).rejects.toMatchObject({ field });
    expect(store.connecting.calls).toHaveLength(0);
  });

  it.each<JobOptions>([
    { delay: 0 },
    { delay: 365 * 86_400_000 },
    { priority: 1_000_000 },
    { priority: -1_000_000 },
    { maxAttempts: 1 },
    {},
  ])('takes the extremes: %o', async options => {
    const { queue } = scriptedQueue();
    await queue.add(1, options);
  });

  it('refuses what JSON cannot carry, before anything is sent', async () => {
    const { queue, store } = scriptedQueue();
    await expect(queue.add({ at: new Date(0) })).rejects.toMatchObject({ code: 'invalid-payload', path: 'payload.at' });
    expect(store.connecting.calls).toHaveLength(0);
  });

  it('refuses what is too large with both sizes, in bytes', async () => {
    const { queue, store } = scriptedQueue();
    await expect(queue.add('ä'.repeat(500))).rejects.toMatchObject({
      code: 'payload-too-large',
      size: 1002,
      limit: 1000,
    });
    await queue.add('ä'.repeat(499));
    expect(added(store)).toHaveLength(1);
  });

  it('does not see what the caller does to payload and options afterwards', async () => {
    for (const settings of [{}, { schema: z.any() }]) {
      const { queue, store } = scriptedQueue(settings);
      const payload = { n: 1 };
      const options: JobOptions = { delay: 1, priority: 1, maxAttempts: 1 };
      const adding = queue.add(payload, options);
      payload.n = 2;
      Object.assign(options, { delay: 2, priority: 2, maxAttempts: 2 });
      await adding;
      expect(added(store)).toMatchObject([{ body: '{"n":1}', delayMs: 1, priority: 1, headers: { maxAttempts: '1' } }]);
    }
  });

  it('checks a schema, and stores the input', async () => {
    const { queue, store } = scriptedQueue({ schema: z.object({ n: z.string().transform(Number) }) });
    await queue.add({ n: '3' });
    expect(added(store)).toMatchObject([{ body: '{"n":"3"}' }]);
    await expect(queue.add({ n: 3 })).rejects.toMatchObject({ code: 'invalid-payload', path: 'payload.n' });
  });

  it('waits for a store that is down, up to addTimeout', async () => {
    const { queue, store, clock } = scriptedQueue();
    store.connecting.always(fails('unavailable'));
    const adding = queue.add(1).catch((error: unknown) => error);
    expect(await timeTaken(clock, adding)).toBeLessThanOrEqual(10_000);
    expect(await adding).toMatchObject({ code: 'unavailable', outcome: 'not-stored' });
  });
});

describe('Queue.add to a store that comes back', () => {
  it('takes no longer than addTimeout in all: reaching the store is part of it', async () => {
    const { queue, store, clock } = scriptedQueue();
    store.connecting.always(fails('unavailable'));
    store.enqueue.always(() => new Promise(() => {}));
    const early = queue.add(1).catch((error: unknown) => error);
    await clock.advance(7000);
    store.connecting.always(() => store);
    await clock.advance(2900);
    expect(store.enqueue.calls).toHaveLength(1);
    // One that comes now has its own time.
    const late = queue.add(2).catch((error: unknown) => error);
    expect(await timeTaken(clock, early)).toBe(100);
    expect(await early).toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    expect(await timeTaken(clock, late)).toBe(9900);
  });
});

describe('Queue.add on a store that can do less', () => {
  it('warns once about a priority that is ignored, or refuses it', async () => {
    const store = { capabilities: { priority: 'none' as const } };
    const lenient = scriptedQueue({}, store);
    await lenient.queue.add(1, { priority: 1 });
    await lenient.queue.add(1, { priority: 1 });
    expect(lenient.lines.filter(line => line.startsWith('warn'))).toHaveLength(1);
    const strict = scriptedQueue({ unsupportedOptions: 'error' }, store);
    await expect(strict.queue.add(1, { priority: 1 })).rejects.toMatchObject({
      code: 'unsupported-option',
      option: 'priority',
    });
    await strict.queue.add(1);
  });

  it('refuses a delay that it cannot keep, always', async () => {
    const { queue } = scriptedQueue({}, { capabilities: { maxDelayMs: 900_000 } });
    await queue.add(1, { delay: 900_000 });
    await expect(queue.add(1, { delay: 900_001 })).rejects.toMatchObject({
      code: 'unsupported-option',
      option: 'delay',
    });
  });
});

describe('Queue.addBulk', () => {
  it('adds all in one go, and returns their ids in order', async () => {
    const { queue, store, of } = scriptedQueue();
    const ids = await queue.addBulk([{ payload: 'a' }, { payload: 'b', options: { priority: 1 } }]);
    expect(added(store)).toMatchObject([
      { id: ids[0], body: '"a"', priority: 20 },
      { id: ids[1], body: '"b"', priority: 1 },
    ]);
    expect(of('added').map(({ id }) => id)).toEqual(ids);
    expect(await queue.addBulk([])).toEqual([]);
  });

  it('sends nothing when one of them is wrong', async () => {
    const { queue, store } = scriptedQueue();
    await expect(queue.addBulk([{ payload: 1 }, { payload: undefined }])).rejects.toMatchObject({
      code: 'invalid-payload',
    });
    await expect(queue.addBulk([{ payload: 1 }, { payload: 'x'.repeat(1001) }])).rejects.toMatchObject({
      code: 'payload-too-large',
    });
    expect(added(store)).toEqual([]);
  });

  it('does not see what the caller does to the list afterwards', async () => {
    for (const settings of [{}, { schema: z.any() }]) {
      const { queue, store } = scriptedQueue(settings);
      const jobs = ['a', 'b', 'c'].map(payload => ({ payload, options: { delay: 1 } }));
      const adding = queue.addBulk(jobs);
      // The usual way to flush a buffer.
      for (const one of jobs) one.options.delay = 2;
      jobs.length = 0;
      expect(await adding).toHaveLength(3);
      expect(added(store).map(({ body, delayMs }) => `${body} ${delayMs}`)).toEqual(['"a" 1', '"b" 1', '"c" 1']);
    }
  });

  it('reports those that are stored when others are not', async () => {
    const { queue, store, of } = scriptedQueue();
    store.enqueue.once(() => [{ ok: true }, { ok: false, code: 'rejected' }, { ok: true }]);
    const error = await queue.addBulk([1, 2, 3].map(payload => ({ payload }))).catch((thrown: unknown) => thrown);
    if (!isQueueError(error, 'bulk-add')) throw error;
    const [one, two, three] = error.results;
    expect(two).toMatchObject({ code: 'rejected' });
    expect(of('added').map(({ id }) => id)).toEqual([one, three]);
  });
});

describe('Queue.process', () => {
  it.each<[string, unknown, string]>([
    ['no concurrency', { concurrency: 0 }, 'concurrency'],
    ['half a handler', { concurrency: 1.5 }, 'concurrency'],
    ['endless concurrency', { concurrency: Infinity }, 'concurrency'],
    ['a concurrency that is no number', { concurrency: '2' }, 'concurrency'],
    ['a negative prefetch', { prefetch: -1 }, 'prefetch'],
    ['a timeout of nothing', { timeout: 0 }, 'timeout'],
    ['an endless timeout', { timeout: Infinity }, 'timeout'],
    ['a timeout that is no number', { timeout: '1s' }, 'timeout'],
    ['an unknown option', { lease: 5 }, 'lease'],
    ['null for options', null, 'options'],
  ])('refuses %s', (_, options, field) => {
    const { queue } = scriptedQueue();
    expect(() => queue.process(() => {}, options as ProcessOptions)).toThrow(
      expect.objectContaining({ code: 'invalid-argument', field }),
    );
    expect(queue.health().state).toBe('idle');
  });

  it('refuses a handler that is no function, and a second one', () => {
    const { queue } = scriptedQueue();
    expect(() => queue.process('x' as never)).toThrow(expect.objectContaining({ field: 'handler' }));
    queue.process(() => {});
    expect(() => queue.process(() => {})).toThrow(expect.objectContaining({ code: 'invalid-state' }));
  });

  it('uses the configured concurrency', async () => {
    const { queue, store, settle } = scriptedQueue({ defaultConcurrency: 7 });
    queue.process(() => {});
    await settle();
    expect(store.reserve.last[0].max).toBe(7);
  });

  it('picks nothing up on an instance that only adds, and says so', async () => {
    const { queue, store, settle, lines } = scriptedQueue({ processes: false });
    queue.process(() => {});
    await settle();
    expect(store.connecting.calls).toHaveLength(0);
    expect(lines).toEqual([expect.stringMatching(/^info Queue q is not processed here/)]);
    expect(queue.health()).toMatchObject({ state: 'running', processes: false });
    expect(() => queue.process(() => {})).toThrow(expect.objectContaining({ code: 'invalid-state' }));
    await queue.pause();
    await queue.resume();
    await queue.disconnect();
    expect(queue.health().state).toBe('idle');
  });
});

describe('Queue.getJobCount', () => {
  it('counts what is not finished, dead ones not included', async () => {
    const { queue, store } = scriptedQueue();
    store.counts.once(() => ({ waiting: 1, delayed: 2, active: 4, dead: 8 }));
    expect(await queue.getJobCount()).toBe(7);
  });

  it('rejects when the store cannot tell, and never says 0', async () => {
    const { queue, store, clock } = scriptedQueue();
    store.counts.once(fails('unavailable'), () => new Promise(() => {}));
    await expect(queue.getJobCount()).rejects.toMatchObject({ code: 'unavailable' });
    const counted = watch(queue.getJobCount());
    await clock.advance(12_000);
    expect(counted.error).toMatchObject({ code: 'unknown-outcome' });
  });
});

describe('Queue.health', () => {
  it('tells where the queue stands', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    expect(queue.health()).toEqual({
      name: 'q',
      store: 'scripted',
      state: 'idle',
      healthy: true,
      processes: true,
      active: 0,
    });
    queue.process(() => new Promise(() => {}));
    store.deliver(job('a'));
    await settle();
    expect(queue.health()).toMatchObject({ state: 'running', active: 1, lastSuccessfulPoll: new Date(clock.now()) });
    store.reserve.always(fails('denied'));
    await queue.pause();
    expect(queue.health().state).toBe('paused');
  });

  it('turns bad while the store is down, and good again by itself', async () => {
    const { queue, store, clock } = scriptedQueue();
    queue.process(() => {});
    await clock.advance(0);
    store.reserve.always(fails('unavailable'));
    await clock.advance(30_000);
    expect(queue.health()).toMatchObject({ healthy: false, lastError: { code: 'unavailable' } });
    await expect(timeTaken(clock, queue.getJobCount())).resolves.toBe(0);
    store.counts.once(fails('unavailable'));
    await queue.getJobCount().catch(() => {});
    store.reserve.always(() => []);
    await clock.advance(5000);
    expect(queue.health()).toMatchObject({ healthy: true, lastError: { code: 'unavailable' } });
  });

  it("shows what the store's adapter reported, when that is later", async () => {
    const storeError = { at: new Date(Date.UTC(2030, 0)), code: 'evicting', message: 'x' };
    const { queue, store } = scriptedQueue({ storeError: () => storeError });
    expect(queue.health().lastError).toBe(storeError);
    store.counts.once(fails('unavailable'));
    await queue.getJobCount().catch(() => {});
    expect(queue.health().lastError).toBe(storeError);
  });
});
