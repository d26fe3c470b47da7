import type { QueueOptions } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { fails, hangs } from './engine/script.ts';
import { job } from './engine/scripted-store.ts';
import { expectNoUnhandledRejections, gates, timeTaken, watch } from './engine/world.ts';
import { scriptedManager } from './service-world.ts';

describe('QueueService.getQueue', () => {
  it('returns the same queue for the same name, also when asked at the same time', async () => {
    const { service, store } = scriptedManager();
    const [one, other] = await Promise.all([service.getQueue('a'), service.getQueue('a')]);
    expect(one).toBe(other);
    expect(await service.getQueue('a')).toBe(one);
    expect(await service.getQueue('b', { maxAttempts: 7 })).not.toBe(one);
    expect(await service.getQueue('A')).not.toBe(one);
    expect(store.opening.calls.map(({ args: [name] }) => name)).toEqual([
      { plugin: 'p', name: 'a', maxAttempts: 5 },
      { plugin: 'p', name: 'b', maxAttempts: 7 },
      { plugin: 'p', name: 'A', maxAttempts: 5 },
    ]);
  });

  it('gives plugins queues of their own, on one connection', async () => {
    const { manager, store, connecting } = scriptedManager();
    expect(manager.forPlugin('p')).toBe(manager.forPlugin('p'));
    const one = await manager.forPlugin('p').getQueue('a');
    const other = await manager.forPlugin('other').getQueue('a');
    expect(one).not.toBe(other);
    expect(store.opening.calls.map(({ args: [{ plugin }] }) => plugin)).toEqual(['p', 'other']);
    expect(connecting.calls).toHaveLength(1);
  });

  it.each(['', ' ', 'a b', 'a/b', 'ä', 'a'.repeat(65), 'a\n', '{a}', 5, null, undefined])(
    'refuses %j as a name, before any call to the store',
    async name => {
      const { service, connecting } = scriptedManager();
      await expect(service.getQueue(name as string)).rejects.toMatchObject({ code: 'invalid-argument', field: 'name' });
      expect(connecting.calls).toHaveLength(0);
    },
  );

  it.each(['a', 'A.b_c-9', '.', '-', 'a'.repeat(64)])('takes %j as a name', async name => {
    await scriptedManager().service.getQueue(name);
  });

  it('refuses a maxAttempts out of range', async () => {
    const { service } = scriptedManager();
    await expect(service.getQueue('a', { maxAttempts: 0 })).rejects.toMatchObject({ field: 'maxAttempts' });
    await service.getQueue('a', { maxAttempts: 1 });
  });

  it('does not remember a failed creation', async () => {
    expectNoUnhandledRejections();
    const { service } = scriptedManager();
    await expect(service.getQueue('a', { store: 'nats' })).rejects.toMatchObject({ code: 'invalid-config' });
    const queue = await service.getQueue('a');
    expect(await service.getQueue('a')).toBe(queue);
  });

  it('rejects for a mistake that the store finds, to all who asked, and tries again for the next', async () => {
    expectNoUnhandledRejections();
    const { service, store } = scriptedManager();
    store.opening.once(fails('denied'));
    const asked = await Promise.allSettled([service.getQueue('a'), service.getQueue('a')]);
    expect(asked).toMatchObject([{ reason: { code: 'denied' } }, { reason: { code: 'denied' } }]);
    expect(service.health().queues).toEqual([]);
    await service.getQueue('a');
  });

  it.each([
    ['is down', fails('unavailable')],
    ['hangs', hangs],
  ])('returns a queue that heals when the store %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const { service, connecting, store, clock } = scriptedManager();
    connecting.always(answer);
    const asked = service.getQueue('a');
    expect(await timeTaken(clock, asked)).toBeLessThanOrEqual(5000);
    const queue = await asked;
    const ran: string[] = [];
    queue.process(({ id }) => void ran.push(id));
    await clock.advance(60_000);
    connecting.always(() => store);
    store.deliver(job('j'));
    await clock.advance(20_000);
    expect(ran).toEqual(['j']);
    expect(queue.health().healthy).toBe(true);
  });

  it('says once which options of a later call are ignored', async () => {
    const { service, lines } = scriptedManager();
    const options: QueueOptions = { maxAttempts: 3, store: 'scripted' };
    await service.getQueue('a', options);
    await service.getQueue('a');
    await service.getQueue('a', options);
    await service.getQueue('a', { maxAttempts: 3 });
    expect(lines).toEqual([]);
    for (let time = 0; time < 5; time++) await service.getQueue('a', { maxAttempts: 4, dlqHandler: () => {} });
    expect(lines).toEqual([expect.stringMatching(/^warn Queue a exists already.*: maxAttempts, dlqHandler$/)]);
  });

  it('passes on what is configured', async () => {
    const { service, store, clock } = scriptedManager({ defaultConcurrency: 3, leaseDuration: '60s', maxAttempts: 1 });
    const queue = await service.getQueue('a');
    queue.process(() => Promise.reject(new Error('no')));
    store.deliver(job('j'));
    await clock.advance(0);
    expect(store.reserve.calls[0]?.args[0]).toMatchObject({ max: 3, leaseMs: 60_000 });
    expect(store.settlements).toEqual(['dead j']);
    const only = scriptedManager({ process: { exclude: ['p/a'] } });
    expect((await only.service.getQueue('a')).health().processes).toBe(false);
  });
});

describe('QueueService.health', () => {
  it('is bad when one queue is', async () => {
    const { service, manager, store } = scriptedManager();
    const [good, bad] = [await service.getQueue('good'), await service.getQueue('bad')];
    expect(service.health()).toMatchObject({ healthy: true, queues: [{ name: 'good' }, { name: 'bad' }] });
    store.counts.once(fails('unavailable'));
    await bad.getJobCount().catch(() => {});
    expect(good.health().healthy).toBe(true);
    expect(service.health().healthy).toBe(false);
    expect(manager.health()).toMatchObject({ healthy: false, queues: [{ name: 'good' }, { name: 'bad' }] });
  });
});

describe('QueueManager.shutdown', () => {
  it('drains first, then closes queues and store; adding goes on meanwhile', async () => {
    const { service, manager, store, clock } = scriptedManager();
    const [a, b] = [await service.getQueue('a'), await service.getQueue('b')];
    const gate = gates();
    a.process(gate.handler);
    b.process(gate.handler);
    store.deliver(job('x'));
    await clock.advance(0);
    let closed = false;
    store.close = async () => {
      closed = true;
    };
    const drained = watch(manager.drain());
    await clock.advance(1000);
    await b.add(1);
    store.deliver(job('y'));
    await clock.advance(1000);
    expect([drained.done, gate.started]).toEqual([false, ['x']]);
    gate.finish('x');
    await clock.advance(0);
    expect(drained.done).toBe(true);
    await b.add(2);
    expect(closed).toBe(false);
    await timeTaken(clock, manager.shutdown());
    expect(closed).toBe(true);
    expect(store.settlements).toEqual(['ack x']);
    await expect(b.add(3)).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(service.getQueue('a')).rejects.toMatchObject({ code: 'invalid-state' });
  });

  it('shuts all queues down at once, within the bound of one, whatever the store does', async () => {
    expectNoUnhandledRejections();
    const { service, manager, store, clock } = scriptedManager();
    for (const name of ['a', 'b', 'c', 'd']) {
      const queue = await service.getQueue(name);
      queue.process(hangs);
      store.deliver(job(name));
      await clock.advance(10);
    }
    for (const call of ['settle', 'reserve', 'extend', 'closing'] as const) store[call].always(hangs);
    store.close = hangs;
    // 15 s for handlers, 1 s of grace, 3 s for settlements, 3 s for adds, 4 s to close the queues, 2 s for the store.
    expect(await timeTaken(clock, manager.shutdown())).toBeLessThanOrEqual(28_000);
    expect(manager.shutdown()).toBe(manager.shutdown());
  });

  it('lets no queue pick up that is made while it drains', async () => {
    const { service, manager, connecting, clock, store } = scriptedManager();
    connecting.once(hangs);
    const late = watch(service.getQueue('late'));
    await clock.advance(10);
    const drained = manager.drain();
    await clock.advance(5000);
    await drained;
    expect(() => late.value?.process(() => {})).toThrow(expect.objectContaining({ code: 'invalid-state' }));
    await clock.advance(15_000);
    const queue = await manager.forPlugin('another').getQueue('q');
    expect(() => queue.process(() => {})).toThrow(expect.objectContaining({ code: 'invalid-state' }));
    await queue.add(1);
    expect(store.enqueue.calls).toHaveLength(1);
  });

  it('does not wait for a queue that is still being made longer than its first contact', async () => {
    expectNoUnhandledRejections();
    const { service, manager, connecting, clock } = scriptedManager();
    connecting.always(hangs);
    watch(service.getQueue('late'));
    await clock.advance(10);
    expect(await timeTaken(clock, manager.shutdown())).toBeLessThanOrEqual(28_000);
    await expect(service.getQueue('another')).rejects.toMatchObject({ code: 'invalid-state' });
    await clock.advance(120_000);
  });

  it('has nothing to do when there was nothing', async () => {
    const { manager, connecting } = scriptedManager();
    await manager.shutdown();
    expect(connecting.calls).toHaveLength(0);
  });
});
