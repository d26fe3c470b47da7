import { describe, expect, it } from 'vitest';
import { decodeNote, encodeNote } from '../../src/engine/note.ts';
import { fails, losesReply } from './script.ts';
import { job } from './scripted-store.ts';
import { expectNoUnhandledRejections, gates, scriptedQueue } from './world.ts';

describe('A worker', () => {
  it('runs what the store hands out, acknowledges it, and says so', async () => {
    const { queue, store, settle, seen, clock } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler);
    store.deliver(job('a', { attempt: 1 }));
    await settle();
    await clock.advance(250);
    gate.finish('a');
    await settle();
    expect(store.settlements).toEqual(['ack a']);
    expect(seen).toEqual([
      { event: 'started', id: 'a', attempt: 1 },
      { event: 'completed', id: 'a', attempt: 1, durationMs: 250 },
    ]);
  });

  it('never runs more at once than its concurrency, and fills a free slot at once', async () => {
    for (const exchange of [true, false]) {
      const { queue, store, settle } = scriptedQueue({}, { exchange });
      const gate = gates();
      queue.process(gate.handler, { concurrency: 3 });
      for (const id of 'abcdef') store.deliver(job(id));
      await settle();
      expect(gate.started).toEqual(['a', 'b', 'c']);
      gate.finish('b');
      await settle();
      expect(gate.started).toEqual(['a', 'b', 'c', 'd']);
      gate.finish('a', 'c', 'd');
      await settle();
      expect([...gate.running]).toEqual(['e', 'f']);
      expect(gate.most).toBe(3);
    }
  });

  it('leases no more ahead than its prefetch, and starts it without asking the store', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1, prefetch: 2 });
    for (const id of 'abcde') store.deliver(job(id));
    await settle();
    expect(store.backlog).toBe(2);
    expect(gate.started).toEqual(['a']);
    store.settle.hold();
    gate.finish('a');
    await settle();
    expect(gate.started).toEqual(['a', 'b']);
    expect(store.backlog).toBe(1);
  });

  it('runs everything in the order of the store', async () => {
    const { queue, store, settle } = scriptedQueue();
    const order: string[] = [];
    queue.process(({ id }) => void order.push(id), { concurrency: 1, prefetch: 7 });
    const ids = Array.from({ length: 100 }, (_, n) => `${n}`);
    store.deliver(...ids.map(id => job(id)));
    await settle();
    expect(order).toEqual(ids);
    expect(store.settlements).toHaveLength(100);
  });

  it('copes with a store that hands out more than it was asked for', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    store.reserve.once(() => [job('a'), job('b'), job('c')]);
    queue.process(gate.handler, { concurrency: 1 });
    await settle();
    expect(gate.started).toEqual(['a']);
    for (const id of ['a', 'b', 'c']) {
      gate.finish(id);
      await settle();
    }
    expect(gate.most).toBe(1);
    expect(store.settlements).toEqual(['ack a', 'ack b', 'ack c']);
  });

  it('does not start a job beside itself, when its lease was lost and won again', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2 });
    store.deliver(job('a', { receipt: 'first' }));
    await settle();
    store.deliver(job('a', { receipt: 'second', attempt: 2 }));
    await settle();
    expect(gate.started).toEqual(['a']);
    // Nor is it taken for a crash, which nobody has seen.
    expect(store.settled).toEqual([{ kind: 'release', receipt: 'second', delayMs: 1000 }]);
  });

  it('does not start it beside itself either when both hand-outs wait for a slot', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2, prefetch: 4 });
    store.deliver(job('x'), job('y'));
    await settle();
    // The process stood still for longer than a lease, so the store gave it to us once more.
    store.deliver(job('a', { receipt: 'first' }));
    store.deliver(job('a', { receipt: 'second', attempt: 2, note: encodeNote({ failures: 1, crashes: 0 }) }));
    await settle();
    gate.finish('x', 'y');
    await settle();
    expect(gate.started).toEqual(['x', 'y', 'a']);
    expect(queue.health().active).toBe(1);
    expect(store.settled).toContainEqual({ kind: 'release', receipt: 'second', delayMs: 1000 });
    gate.finish('a');
    await settle();
    expect(queue.health().active).toBe(0);
  });

  it('gives back what a reserve brings after it was given up', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const held = store.reserve.hold();
    queue.process(() => {});
    await clock.advance(33_000);
    held.answer([job('late'), { kind: 'unreadable', why: 'x', receipt: 'bytes' }]);
    await settle();
    expect(store.settlements).toEqual(['release late', 'dead bytes']);
  });

  it('is not harmed by listeners that throw', async () => {
    expectNoUnhandledRejections();
    const { queue, store, settle } = scriptedQueue();
    for (const event of ['started', 'completed', 'retrying', 'dead', 'error', 'added'] as const) {
      queue.on(event, () => {
        throw new Error('listener');
      });
      queue.on(event, () => Promise.reject(new Error('listener')) as never);
    }
    queue.process(({ id }) => (id === 'a' ? undefined : Promise.reject(new Error('no'))), { concurrency: 3 });
    store.deliver(job('a'), job('b'), job('c', { attempt: 5, note: encodeNote({ failures: 4, crashes: 0 }) }));
    await queue.add(1);
    await settle();
    expect(store.settlements).toEqual(['ack a', 'retry b', 'dead c']);
  });
});

describe('A worker whose handler fails', () => {
  it('has the job come back after its backoff, with the failure on record', async () => {
    const { queue, store, settle, of } = scriptedQueue();
    queue.process(() => Promise.reject(new TypeError('no luck')));
    store.deliver(job('a', { attempt: 3, note: encodeNote({ failures: 2, crashes: 0 }) }));
    await settle();
    expect(store.settled).toMatchObject([{ kind: 'retry', receipt: 'a', delayMs: 4000 }]);
    const [settled] = store.settled;
    expect(decodeNote(settled?.kind === 'retry' ? settled.note : '')).toMatchObject({
      failures: 3,
      error: { name: 'TypeError', message: 'no luck' },
    });
    expect(of('retrying')).toMatchObject([{ id: 'a', attempt: 3, delayMs: 4000, error: { message: 'no luck' } }]);
  });

  const lastAttempt = job('a', { attempt: 5, note: encodeNote({ failures: 4, crashes: 0 }) });

  it('parks the job after its last attempt, with error and attempts', async () => {
    const { queue, store, settle, of } = scriptedQueue();
    queue.process(() => Promise.reject(new Error('no luck')));
    store.deliver(lastAttempt);
    await settle();
    const [settled] = store.settled;
    if (settled?.kind !== 'dead') throw new Error('it is not dead');
    expect(decodeNote(settled.note)).toMatchObject({ attempts: 5, error: { message: 'no luck' } });
    expect(of('dead')).toMatchObject([{ id: 'a', attempt: 5, parked: true, error: { message: 'no luck' } }]);
  });

  it('acknowledges it when the dlqHandler took care of it', async () => {
    const { queue, store, settle, of } = scriptedQueue({ dlqHandler: () => {} });
    queue.process(() => Promise.reject(new Error('no luck')));
    store.deliver(lastAttempt);
    await settle();
    expect(store.settlements).toEqual(['ack a']);
    expect(of('dead')).toMatchObject([{ parked: false }]);
  });

  it('parks it when the dlqHandler fails, and says so', async () => {
    const { queue, store, settle, of } = scriptedQueue({ dlqHandler: () => Promise.reject(new Error('mail is down')) });
    queue.process(() => Promise.reject(new Error('no luck')));
    store.deliver(lastAttempt);
    await settle();
    expect(store.settlements).toEqual(['dead a']);
    expect(of('error')).toMatchObject([{ id: 'a', error: { cause: { message: 'mail is down' } } }]);
  });

  it("follows the job's own maxAttempts", async () => {
    const { queue, store, settle } = scriptedQueue({ maxAttempts: 1 });
    queue.process(() => Promise.reject(new Error('no')), { concurrency: 2 });
    store.deliver(job('a', { headers: { maxAttempts: '2' } }), job('b'));
    await settle();
    expect(store.settlements).toEqual(['retry a', 'dead b']);
  });
});

describe('A worker that gets something else than a job', () => {
  it('sends it to the dead letters, and runs its neighbours', async () => {
    const { queue, store, settle, of } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 3 });
    store.deliver(
      { kind: 'unreadable', why: 'no envelope', receipt: 'bytes' },
      job('newer', { headers: { v: '2' } }),
      job('a'),
    );
    await settle();
    expect(store.settlements).toEqual(['dead bytes', 'dead newer']);
    expect(gate.started).toEqual(['a']);
    expect(of('error').map(({ error }) => error)).toMatchObject([{ code: 'unreadable' }, { code: 'unreadable' }]);
  });

  it('leaves what breaks the contract to its lease, and runs its neighbours', async () => {
    expectNoUnhandledRejections();
    const { queue, store, settle, of } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1 });
    store.reserve.once(() => [null as never, job('bad', { headers: undefined as never }), job('a')]);
    await settle();
    expect(gate.started).toEqual(['a']);
    expect(of('error')).toHaveLength(2);
    gate.finish('a');
    store.deliver(job('b'));
    await settle();
    expect(gate.started).toEqual(['a', 'b']);
  });

  it('reads a note that somebody else wrote', async () => {
    expectNoUnhandledRejections();
    const { queue, store, settle } = scriptedQueue({}, {});
    const gate = gates();
    queue.process(gate.handler, { concurrency: 5 });
    store.deliver(
      job('a', { attempt: 7, note: '{"failures":6,"crashes":0,"error":null}' }),
      job('b', { attempt: 7, note: '{"failures":6,"crashes":0,"error":{}}' }),
      job('c'),
    );
    await settle();
    expect(store.settlements).toEqual(['dead a', 'dead b']);
    expect(gate.started).toEqual(['c']);
  });
});

describe('A worker whose acknowledgement gets lost', () => {
  it('repeats it, and takes the lost lease that it finds for a success', async () => {
    const { queue, store, clock, of, settle } = scriptedQueue();
    let runs = 0;
    queue.process(() => void runs++);
    store.settle.once(
      losesReply(() => [{ ok: true }]),
      () => [{ ok: false, code: 'lease-lost' }],
    );
    store.deliver(job('a'));
    await settle();
    expect(of('completed')).toEqual([]);
    await clock.advance(1000);
    expect(store.settlements).toEqual(['ack a', 'ack a']);
    expect(of('completed')).toHaveLength(1);
    expect(runs).toBe(1);
  });

  it('goes on with other jobs meanwhile, as far as it may', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1 });
    store.settle.always(fails('unavailable'));
    store.deliver(job('a'), job('b'));
    await settle();
    gate.finish('a');
    await clock.advance(100);
    expect(gate.started).toEqual(['a', 'b']);
  });

  it('says that it could not settle a job when the store refuses for good', async () => {
    const { queue, store, clock, of } = scriptedQueue();
    queue.process(() => {});
    store.settle.always(fails('rejected'));
    store.deliver(job('a'));
    await clock.advance(60_000);
    expect(of('completed')).toEqual([]);
    expect(of('error').at(-1)).toMatchObject({ id: 'a', error: { code: 'lease-lost' } });
    expect(store.settle.calls).toHaveLength(8);
  });

  it('holds no more results than so many while the store takes none', async () => {
    const { queue, store, clock, settle } = scriptedQueue(
      {},
      { capabilities: { maxBatch: { enqueue: 1, reserve: 10, settle: 10 } } },
    );
    queue.process(() => {}, { concurrency: 5 });
    store.settle.always(fails('unavailable'));
    for (let n = 0; n < 1000; n++) store.deliver(job(`${n}`));
    await clock.advance(10 * 60_000);
    expect(1000 - store.backlog).toBeLessThanOrEqual(5 + 2 * 10 + 5);
    store.settle.always(batch => batch.map(() => ({ ok: true })));
    await clock.advance(5000);
    await settle();
    expect(store.backlog).toBe(0);
  });
});
