import { isQueueError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { parseQueueConfig } from '../../src/config/queue-config.ts';
import type { AnyAdapter } from '../../src/stores/load-adapter.ts';
import { StoreRegistry } from '../../src/stores/store-registry.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { fails, hangs, throws } from '../engine/script.ts';
import { expectNoUnhandledRejections, recordingReporter, timeTaken } from '../engine/world.ts';
import { scriptedAdapter } from './scripted-adapter.ts';

function setUp(config: object = {}, adapters?: readonly AnyAdapter[], prefix = 'backend.queue') {
  const clock = new ManualClock();
  const { reporter, lines } = recordingReporter(clock);
  const scripted = scriptedAdapter(clock);
  const make = () =>
    new StoreRegistry(parseQueueConfig(config, prefix), adapters ?? [scripted.adapter], reporter, clock);
  return { clock, lines, ...scripted, make };
}

async function refusal(call: () => unknown): Promise<string> {
  try {
    await call();
  } catch (error) {
    if (isQueueError(error, 'invalid-config')) return error.message;
    throw error;
  }
  throw new Error('it was not refused');
}

describe('StoreRegistry', () => {
  it('has memory without being told anything', async () => {
    const { make } = setUp({}, []);
    const registry = make();
    await registry.ready();
    expect((await (await registry.get('memory')).connect()).capabilities).toBeDefined();
  });

  it('hands out one connection a store, made when it is asked for', async () => {
    const { make, connecting, store } = setUp({ scripted: { url: 'x' } });
    const registry = make();
    await registry.ready();
    expect(connecting.calls).toHaveLength(0);
    const [one, other] = await Promise.all([registry.get('scripted'), registry.get('scripted')]);
    expect(one).toBe(other);
    expect(await Promise.all([one.connect(), other.connect()])).toEqual([store, store]);
    expect(connecting.calls).toHaveLength(1);
    expect(connecting.last).toEqual([
      { url: 'x' },
      {
        instance: expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
        deadLetters: { maxAgeMs: 30 * 86_400_000, maxCount: 10_000 },
        report: expect.any(Function) as () => void,
      },
    ]);
  });

  it.each([
    ['redis', '@switchyard/queue-redis'],
    ['postgres', '@switchyard/queue-postgres'],
    ['sqs', '@switchyard/queue-sqs'],
    ['kafka', '@switchyard/queue-kafka'],
  ])('says what to install for %s when it is not there', async (store, packageName) => {
    const { make } = setUp();
    const asked = make().get(store);
    // Where the workspace has the package it is found, of course.
    const message = await asked.then(
      () => `npm install ${packageName}`,
      (error: unknown) => refusal(() => Promise.reject(error)),
    );
    expect(message).toMatch(new RegExp(`npm install ${packageName}|backend\\.queue\\.${store}`));
  });

  it.each(['nats', 'toString', '__proto__', ''])('says which stores there are, and which keys, for %j', async store => {
    const { make } = setUp();
    const message = await refusal(() => make().get(store));
    expect(message).toContain(`'${store}'`);
    for (const part of ['memory', 'redis', 'scripted', 'backend.queue.defaultStore', 'backend.queue.adapters']) {
      expect(message).toContain(part);
    }
  });

  it('says which package to install for an adapter that the configuration names', async () => {
    const { make } = setUp({ adapters: ['@acme/queue-that-is-not-there'] });
    const message = await refusal(() => make().ready());
    expect(message).toBe(
      'backend.queue.adapters: the package @acme/queue-that-is-not-there is not installed: npm install @acme/queue-that-is-not-there',
    );
  });

  it('refuses a package that is no adapter', async () => {
    const { make } = setUp({ adapters: ['zod'] });
    expect(await refusal(() => make().ready())).toMatch(/zod exports no store adapter, expected exactly one/);
  });

  it('refuses an adapter of another contract, naming both sides', async () => {
    const { adapter } = setUp();
    const { make } = setUp({}, [{ ...adapter, contract: 2 as 1 }]);
    const message = await refusal(make);
    expect(message).toContain('contract 2');
    expect(message).toContain('contract 1');
    expect(message).toContain('@switchyard/queue-service');
  });

  it('refuses two adapters for one store, but not the same one twice', async () => {
    const { adapter } = setUp();
    expect(await refusal(setUp({}, [adapter, { ...adapter }]).make)).toMatch(
      /Two adapters call their store 'scripted'/,
    );
    setUp({}, [adapter, adapter]).make();
  });

  it('lets an adapter that was passed in stand for a store of ours', async () => {
    const clock = new ManualClock();
    const { adapter, store } = scriptedAdapter(clock, 'memory');
    const { make } = setUp({}, [adapter]);
    expect(await (await make().get('memory')).connect()).toBe(store);
  });

  it('refuses sections that belong to nobody', async () => {
    expect(await refusal(setUp({ reddis: {} }).make)).toMatch(/^backend\.queue\.reddis: /);
    expect(await refusal(setUp({ reddis: {} }, [], '').make)).toMatch(/^reddis: /);
  });

  it('checks the section of every store at start, also of those not used yet', async () => {
    const { make } = setUp({ scripted: { uri: 'x' } });
    const message = await refusal(() => make().ready());
    expect(message).toContain('backend.queue.scripted.url');
    expect(message).toContain('uri');
  });

  it('checks again after a failure', async () => {
    let problems = 1;
    const { adapter } = setUp();
    const moody: AnyAdapter = {
      ...adapter,
      config: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: value => (problems-- > 0 ? { issues: [{ message: 'no' }] } : { value }),
        },
      },
    };
    const registry = setUp({ scripted: {} }, [moody]).make();
    await refusal(() => registry.ready());
    await registry.ready();
  });
});

describe('StoreConnection', () => {
  async function connection() {
    const world = setUp();
    return { ...world, connection: await world.make().get('scripted') };
  }

  it.each([
    ['rejects', fails('unavailable')],
    ['throws at once', throws('unavailable')],
  ])('does not remember a connect that %s', async (_, answer) => {
    const { connection: one, connecting, store } = await connection();
    connecting.once(answer);
    await expect(one.connect()).rejects.toThrow();
    expect(await one.connect()).toBe(store);
    expect(await one.connect()).toBe(store);
    expect(connecting.calls).toHaveLength(2);
  });

  it('tries anew when a connect hangs, and closes what that still brings', async () => {
    expectNoUnhandledRejections();
    const { connection: one, connecting, store, clock } = await connection();
    const held = connecting.hold();
    const error = one.connect().catch((thrown: unknown) => thrown);
    expect(await timeTaken(clock, error)).toBeLessThanOrEqual(15_000);
    expect(await error).toMatchObject({ code: 'unavailable' });
    expect(await one.connect()).toBe(store);
    const late = scriptedAdapter(clock).store;
    let closed = false;
    late.close = async () => {
      closed = true;
    };
    held.answer(late);
    await clock.advance(0);
    expect(closed).toBe(true);
    expect(await one.connect()).toBe(store);
  });

  it('takes no calls once closed, closes once connected, and never rejects', async () => {
    expectNoUnhandledRejections();
    for (const answer of [fails('unavailable'), throws('unavailable'), hangs]) {
      const { connection: one, connecting, clock } = await connection();
      connecting.once(answer);
      one.connect().catch(() => {});
      await timeTaken(clock, one.close(5000));
      await expect(one.connect()).rejects.toMatchObject({ code: 'invalid-state' });
    }
    const { connection: one, store, lines } = await connection();
    await one.connect();
    store.close = () => Promise.reject(new Error('no'));
    await one.close(5000);
    expect(lines).toHaveLength(1);
  });

  it('logs what the adapter reports, and remembers errors', async () => {
    const { connection: one, connecting, lines, clock } = await connection();
    await one.connect();
    const [, { report }] = connecting.last;
    report({ level: 'warning', code: 'slow', message: 'The store is slow' });
    expect(one.lastError).toBeUndefined();
    report({ level: 'error', code: 'evicting', message: 'Jobs may be lost', cause: new Error('because') });
    report({ level: 'error', code: 'evicting', message: 'Jobs may be lost' });
    expect(lines).toEqual(['warn The store is slow', 'error Jobs may be lost: because']);
    expect(one.lastError).toEqual({ at: new Date(clock.now()), code: 'evicting', message: 'Jobs may be lost' });
  });
});

describe('StoreRegistry.close', () => {
  it('closes every connection within its time, whatever the drivers do', async () => {
    expectNoUnhandledRejections();
    const { make, store, clock } = setUp();
    const registry = make();
    await (await registry.get('scripted')).connect();
    store.close = hangs;
    expect(await timeTaken(clock, registry.close(5000))).toBeLessThanOrEqual(7000);
  });
});
