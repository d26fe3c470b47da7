import { isQueueError, type JobContext } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { fails, hangs } from './script.ts';
import { job } from './scripted-store.ts';
import { gates, scriptedQueue } from './world.ts';

const LOST = { ok: false, code: 'lease-lost' } as const;

describe('A worker whose lease is lost', () => {
  it('aborts the signal, and settles nothing whatever the handler does then', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const { queue, store, clock, of, settle } = scriptedQueue();
      const gate = Promise.withResolvers<void>();
      let context: JobContext | undefined;
      queue.process((_, given) => {
        context = given;
        return gate.promise;
      });
      store.deliver(job('a'));
      store.extend.once(() => [LOST]);
      await clock.advance(10_000);
      expect(isQueueError(context?.signal.reason, 'lease-lost')).toBe(true);
      expect(of('error')).toMatchObject([{ id: 'a', error: { code: 'lease-lost' } }]);
      gate[end](new Error('late') as never);
      await settle();
      expect(store.settlements).toEqual([]);
      expect(of('completed')).toEqual([]);
      expect(queue.health().active).toBe(0);
    }
  });

  it('gives up before its end, and the attempt has failed when the handler obeys', async () => {
    const { queue, store, clock, of } = scriptedQueue();
    queue.process(
      (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    );
    store.extend.always(fails('unavailable'));
    store.deliver(job('a'));
    await clock.advance(24_999);
    expect(store.settlements).toEqual([]);
    await clock.advance(1);
    expect(store.settlements).toEqual(['retry a']);
    expect(of('error')).toContainEqual(
      expect.objectContaining({ id: 'a', error: expect.objectContaining({ code: 'lease-lost' }) }),
    );
  });

  it('acknowledges what finishes after it was given up: whether that counts is for the store to say', async () => {
    const { queue, store, clock, settle, of } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler);
    store.extend.always(hangs);
    store.deliver(job('a'), job('b'));
    await clock.advance(25_000);
    gate.finish('a');
    await settle();
    expect(store.settlements).toEqual(['ack a']);
    expect(of('completed')).toHaveLength(1);
  });

  it('forgets what waited for a slot', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1, prefetch: 1 });
    store.deliver(job('a'), job('b'));
    store.extend.once(() => [{ ok: true }, LOST]);
    await clock.advance(10_000);
    gate.finish('a');
    await settle();
    expect(gate.started).toEqual(['a']);
    expect(store.settlements).toEqual(['ack a']);
    store.deliver(job('c'));
    await settle();
    expect(gate.started).toEqual(['a', 'c']);
  });

  it('hands back what waited for a slot when its lease is given up', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1, prefetch: 1 });
    store.deliver(job('a'), job('b'));
    store.extend.always(fails('unavailable'));
    await clock.advance(25_000);
    gate.finish('a');
    await settle();
    expect(gate.started).toEqual(['a']);
    expect(store.settlements).toEqual(['ack a', 'release b']);
  });

  it('renews what runs, what waits for a slot and what waits to be settled, all in one call', async () => {
    const { queue, store, clock } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2, prefetch: 1 });
    store.settle.always(fails('unavailable'));
    store.deliver(job('a'), job('b'), job('c'), job('d'));
    await clock.advance(0);
    gate.finish('a');
    await clock.advance(10_000);
    expect(store.extend.calls).toHaveLength(1);
    expect([...store.extend.last[0]].toSorted()).toEqual(['a', 'b', 'c', 'd']);
  });

  it('holds nothing on lease when it is idle', async () => {
    const { queue, store, clock } = scriptedQueue();
    queue.process(() => {});
    store.deliver(job('a'));
    await clock.advance(10 * 60_000);
    expect(store.extend.calls).toEqual([]);
  });
});

describe('A worker that comes upon a crash', () => {
  it('gives the job back for its backoff, with the crash on record', async () => {
    const { queue, store, settle, of } = scriptedQueue();
    queue.process(() => {});
    store.deliver(job('a', { attempt: 2 }));
    await settle();
    const [release] = store.settled;
    expect(release).toMatchObject({ kind: 'release', receipt: 'a', delayMs: 1000 });
    expect(JSON.parse(release?.kind === 'release' ? (release.note ?? '') : '')).toMatchObject({ crashes: 1 });
    expect(of('error')).toMatchObject([{ id: 'a', error: { code: 'crashed' } }]);
  });

  it('asks the dlqHandler about a job that used up its attempts by crashing', async () => {
    const told: unknown[] = [];
    const { queue, store, settle, of } = scriptedQueue({
      dlqHandler: ({ id, attempt }, error) => void told.push([id, attempt, (error as { code?: string }).code]),
    });
    queue.process(() => {});
    store.deliver(job('a', { attempt: 6, note: '{"failures":1,"crashes":3}' }));
    await settle();
    expect(told).toEqual([['a', 5, 'crashed']]);
    expect(of('dead')).toMatchObject([{ id: 'a', attempt: 5, parked: false }]);
    expect(of('started')).toEqual([]);
  });
});
