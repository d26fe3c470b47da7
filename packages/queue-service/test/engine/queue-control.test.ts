import { isQueueError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { job } from './scripted-store.ts';
import { expectNoUnhandledRejections, gates, scriptedQueue, timeTaken, watch } from './world.ts';
import { fails, hangs } from './script.ts';

const code = (call: () => void): string => {
  try {
    call();
  } catch (error) {
    if (isQueueError(error)) return error.code;
    throw error;
  }
  throw new Error('it was not refused');
};

describe('A paused queue', () => {
  it('picks up nothing, and lets running handlers finish', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2 });
    store.deliver(job('a'));
    await settle();
    await queue.pause();
    expect(queue.health().state).toBe('paused');
    store.deliver(job('b'));
    gate.finish('a');
    await settle();
    expect(store.settlements).toEqual(['ack a']);
    expect(store.backlog).toBe(1);
    await queue.resume();
    await settle();
    expect(gate.started).toEqual(['a', 'b']);
  });

  it('gives back what it had leased ahead, and what comes afterwards', async () => {
    const { queue, store, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 1, prefetch: 3 });
    store.deliver(job('a'), job('b'));
    await settle();
    const held = store.reserve.hold();
    store.deliver(job('c'));
    await settle();
    const paused = watch(queue.pause());
    await settle();
    expect(paused.done).toBe(false);
    held.answer([job('d')]);
    await settle();
    expect(paused.done).toBe(true);
    expect(gate.started).toEqual(['a']);
    expect(store.settlements).toEqual(['release b', 'release c', 'release d']);
  });

  it('resolves although the driver ignores it, and gives back what that brings much later', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    queue.process(() => {});
    const held = store.reserve.hold();
    await settle();
    expect(await timeTaken(clock, queue.pause())).toBe(1000);
    held.answer([job('late')]);
    await settle();
    expect(store.settlements).toEqual(['release late']);
  });

  it('tells the driver, where that wants to know', async () => {
    const { queue, store, settle } = scriptedQueue({}, { standby: true });
    queue.process(() => {});
    await settle();
    await queue.pause();
    expect(store.standby.calls).toHaveLength(1);
  });

  it('tells it also while the last handlers end: others are to have what it holds', async () => {
    const { queue, store, settle } = scriptedQueue({}, { standby: true });
    const end = Promise.withResolvers<void>();
    queue.process(() => end.promise);
    store.deliver(job('long'));
    await settle();
    const disconnected = queue.disconnect();
    await settle();
    expect(store.standby.calls).toHaveLength(1);
    end.resolve();
    await settle();
    await disconnected;
    expect(store.settlements).toEqual(['ack long']);
  });

  it('picks up again after any quick succession that ends with resume, and nothing after pause', async () => {
    const { queue, store, settle } = scriptedQueue();
    const ran: string[] = [];
    queue.process(({ id }) => void ran.push(id));
    await settle();
    for (let round = 0; round < 5; round++) {
      void queue.pause();
      void queue.resume();
    }
    await settle();
    store.deliver(job('a'));
    await settle();
    expect(ran).toEqual(['a']);
    void queue.resume();
    await queue.pause();
    store.deliver(job('b'));
    await settle();
    expect(ran).toEqual(['a']);
    expect(store.reserve.pending).toBe(0);
  });

  it('holds over process', async () => {
    const { queue, store, settle } = scriptedQueue();
    await queue.pause();
    queue.process(() => {});
    store.deliver(job('a'));
    await settle();
    expect(store.reserve.calls).toEqual([]);
    await queue.resume();
    await settle();
    expect(store.settlements).toEqual(['ack a']);
  });

  it('can be paused and resumed while the store is down, and works when it is back', async () => {
    const { queue, store, clock } = scriptedQueue();
    store.connecting.always(fails('unavailable'));
    queue.process(() => {});
    await clock.advance(1000);
    await queue.pause();
    await queue.resume();
    await clock.advance(60_000);
    store.connecting.always(() => store);
    store.deliver(job('a'));
    await clock.advance(5000);
    expect(store.settlements).toEqual(['ack a']);
  });
});

describe('A disconnecting queue', () => {
  it('waits for running handlers, flushes, closes, and forgets the handler', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2, prefetch: 1 });
    store.deliver(job('a'), job('b'), job('c'));
    await settle();
    const disconnected = watch(queue.disconnect());
    await clock.advance(10_000);
    expect(queue.health().state).toBe('stopping');
    expect(store.settlements).toEqual(['release c']);
    gate.finish('a', 'b');
    await settle();
    expect(store.settlements).toEqual(['release c', 'ack a', 'ack b']);
    expect(store.closing.calls).toHaveLength(1);
    expect(disconnected.done).toBe(true);
    expect(queue.health().state).toBe('idle');
  });

  it('gives back what a reserve brings in its last moment, although nothing was running', async () => {
    const { queue, store, clock, settle } = scriptedQueue({ shutdownTimeoutMs: 0 });
    const held = store.reserve.hold();
    queue.process(() => {});
    await settle();
    const disconnected = watch(queue.disconnect());
    await clock.advance(500);
    held.answer([job('a')]);
    await settle();
    expect(store.settlements).toEqual(['release a']);
    expect(disconnected.done).toBe(true);
  });

  it('aborts what takes too long, and hands its job back', async () => {
    const { queue, store, clock, settle, of } = scriptedQueue();
    let reason: unknown;
    queue.process(
      (_, { signal }) =>
        new Promise((_resolve, reject) =>
          signal.addEventListener('abort', () => {
            reason = signal.reason;
            reject(new Error('stopped'));
          }),
        ),
    );
    store.deliver(job('a'));
    await settle();
    expect(await timeTaken(clock, queue.disconnect())).toBe(15_000);
    expect(isQueueError(reason, 'shutdown')).toBe(true);
    expect(store.settlements).toEqual(['release a']);
    expect(of('error')).toEqual([]);
  });

  it('hands back the job of a handler that ignores its signal, and says so', async () => {
    const { queue, store, clock, settle, of } = scriptedQueue();
    queue.process(hangs);
    store.deliver(job('a'));
    await settle();
    expect(await timeTaken(clock, queue.disconnect())).toBe(16_000);
    expect(store.settlements).toEqual(['release a']);
    expect(of('error')).toMatchObject([{ id: 'a' }]);
    expect(queue.health().active).toBe(1);
  });

  it.each(['connecting', 'opening', 'reserve', 'settle', 'extend', 'standby', 'closing', 'enqueue'] as const)(
    'ends within its bound although %s hangs for ever',
    async call => {
      expectNoUnhandledRejections();
      const { queue, store, clock } = scriptedQueue({}, { standby: true, exchange: true });
      store[call].always(hangs);
      if (call === 'settle') store.exchange.always(hangs);
      queue.process(hangs, { concurrency: 2 });
      store.deliver(job('a'));
      await clock.advance(9000);
      watch(queue.add(1));
      await clock.advance(9000);
      void queue.pause();
      await clock.advance(10);
      // 15 s for handlers, 1 s for their grace, 3 s for settlements, 3 s for adds, 2 s and 2 s of overtime to close.
      expect(await timeTaken(clock, queue.disconnect())).toBeLessThanOrEqual(26_000);
      expect(queue.health().state).toBe('idle');
      await clock.advance(120_000);
    },
  );

  it.each([hangs, fails('unavailable')])('ends within its bound although every call fails', async answer => {
    expectNoUnhandledRejections();
    const { queue, store, clock } = scriptedQueue({}, { standby: true });
    queue.process(hangs, { concurrency: 2, prefetch: 1 });
    store.deliver(job('a'), job('b'));
    await clock.advance(10);
    for (const call of ['reserve', 'settle', 'extend', 'standby', 'closing', 'enqueue', 'opening'] as const) {
      store[call].always(answer);
    }
    watch(queue.add(1));
    await clock.advance(60_000);
    watch(queue.add(2));
    expect(await timeTaken(clock, queue.disconnect())).toBeLessThanOrEqual(26_000);
  });

  it('ends although somebody goes on adding', async () => {
    const { queue, store, clock } = scriptedQueue();
    queue.process(() => {});
    await clock.advance(0);
    store.enqueue.always(async batch => {
      await new Promise<void>(resolve => void clock.setTimeout(resolve, 100));
      return batch.map(() => ({ ok: true }));
    });
    let adding = true;
    const added: unknown[] = [];
    const addOne = (): void => {
      if (!adding) return;
      queue.add(1).then(
        id => added.push(id),
        (error: unknown) => added.push(error),
      );
      void clock.setTimeout(addOne, 50);
    };
    addOne();
    await clock.advance(1000);
    const disconnected = watch(queue.disconnect());
    await clock.advance(10_000);
    expect(disconnected.done).toBe(true);
    adding = false;
    await clock.advance(1000);
    expect(added.every(id => typeof id === 'string')).toBe(true);
  });

  it('waits for what is being added', async () => {
    const { queue, store, settle } = scriptedQueue();
    await queue.open();
    const held = store.enqueue.hold();
    const added = watch(queue.add(1));
    const disconnected = watch(queue.disconnect());
    await settle();
    expect(disconnected.done).toBe(false);
    expect(store.closing.calls).toHaveLength(0);
    held.answer([{ ok: true }]);
    await settle();
    expect([added.done, disconnected.done]).toEqual([true, true]);
    expect(added.error).toBeUndefined();
  });

  it('is the same end for all who ask, and nothing when there is nothing to do', async () => {
    const { queue, store, settle, clock } = scriptedQueue();
    await queue.disconnect();
    expect(store.connecting.calls).toHaveLength(0);
    queue.process(() => {});
    await settle();
    const [one, other] = [queue.disconnect(), queue.disconnect()];
    expect(one).toBe(other);
    await timeTaken(clock, one);
    await queue.disconnect();
    expect(store.closing.calls).toHaveLength(1);
  });

  it('may be asked for by a handler, which then ends like any other', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    let returned = false;
    queue.process(async () => {
      await queue.disconnect();
      returned = true;
    });
    store.deliver(job('a'));
    await settle();
    await clock.advance(26_000);
    expect(returned).toBe(true);
    expect(store.settlements).toEqual(['release a']);
    expect(queue.health()).toMatchObject({ state: 'idle', active: 0 });
  });

  it('takes no handler before it is done: closing would pull the store away from under it', async () => {
    const { queue, store, settle } = scriptedQueue();
    await queue.open();
    const held = store.closing.hold();
    const disconnected = watch(queue.disconnect());
    await settle();
    expect(queue.health().state).toBe('stopping');
    expect(code(() => queue.process(() => {}))).toBe('invalid-state');
    held.answer();
    await settle();
    expect(disconnected.done).toBe(true);
    queue.process(() => {});
    expect(queue.health().state).toBe('running');
  });

  it('gives the interrupted dlqHandler of a failed job another chance', async () => {
    const { queue, store, clock, settle } = scriptedQueue({ dlqHandler: hangs, maxAttempts: 1 });
    queue.process(() => Promise.reject(new Error('no')), { concurrency: 2 });
    store.deliver(job('failed'), job('buried', { attempt: 2, note: '{"failures":1,"crashes":0}' }));
    await settle();
    await timeTaken(clock, queue.disconnect());
    // The first had its failure put on record; the second had failed before and only comes back.
    expect(store.settlements).toEqual(['retry failed', 'release buried']);
  });
});

describe('A queue that was disconnected', () => {
  it('works again, adding and processing', async () => {
    const { queue, store, settle } = scriptedQueue();
    queue.process(() => {});
    await settle();
    await queue.disconnect();
    await queue.add(1);
    expect(store.opening.calls).toHaveLength(2);
    await queue.disconnect();
    queue.process(() => {});
    store.deliver(job('a'));
    await settle();
    expect(store.settlements).toEqual(['ack a']);
    expect(store.opening.calls).toHaveLength(3);
  });

  it('is not made unhealthy by what is left of its calls', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    queue.process(() => {});
    store.reserve.always(hangs);
    await settle();
    await timeTaken(clock, queue.disconnect());
    await clock.advance(120_000);
    expect(queue.health().healthy).toBe(true);
  });

  it('leaves nothing behind that would keep the process alive or the store busy', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    queue.process(() => {});
    store.deliver(job('a'));
    await settle();
    await queue.disconnect();
    expect(clock.nextTimer(clock.now() + 20_000)).toBe(undefined);
    const calls = store.reserve.calls.length;
    await clock.advance(120_000);
    expect(store.reserve.calls).toHaveLength(calls);
  });

  it('counts handlers that are still running towards the next concurrency', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2 });
    store.deliver(job('orphan'));
    await settle();
    await timeTaken(clock, queue.disconnect());
    queue.process(gate.handler, { concurrency: 2 });
    store.deliver(job('a'), job('b'));
    await settle();
    expect(gate.started).toEqual(['orphan', 'a']);
    expect(queue.health().active).toBe(2);
    gate.finish('orphan');
    await settle();
    expect(gate.started).toEqual(['orphan', 'a', 'b']);
    expect(gate.most).toBe(2);
    expect(store.settlements).toEqual(['release orphan']);
  });

  it('does not start the job of such a handler beside it', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler, { concurrency: 2 });
    store.deliver(job('orphan', { receipt: 1 }));
    await settle();
    await timeTaken(clock, queue.disconnect());
    queue.process(gate.handler, { concurrency: 2 });
    store.deliver(job('orphan', { receipt: 2 }));
    await settle();
    expect(gate.started).toEqual(['orphan']);
    expect(store.settlements).toEqual(['release 1', 'release 2']);
    const renewals = store.extend.calls.length;
    await clock.advance(60_000);
    expect(store.extend.calls).toHaveLength(renewals);
    gate.finish('orphan');
    store.deliver(job('orphan', { receipt: 3 }));
    await settle();
    expect(gate.started).toEqual(['orphan', 'orphan']);
  });

  it('disconnects again in time although such a handler never returns', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    queue.process(hangs);
    store.deliver(job('orphan'));
    await settle();
    await timeTaken(clock, queue.disconnect());
    for (let round = 0; round < 3; round++) {
      queue.process(() => {});
      await settle();
      expect(await timeTaken(clock, queue.disconnect())).toBe(16_000);
    }
    expect(store.settlements).toEqual(['release orphan']);
    expect(queue.health().active).toBe(1);
  });
});

describe('A closed queue', () => {
  it('refuses adding, processing and counting', async () => {
    const { queue, clock } = scriptedQueue();
    queue.process(() => {});
    await timeTaken(clock, queue.close());
    await queue.close();
    await expect(queue.add(1)).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(queue.addBulk([{ payload: 1 }])).rejects.toMatchObject({ code: 'invalid-state' });
    await expect(queue.getJobCount()).rejects.toMatchObject({ code: 'invalid-state' });
    expect(code(() => queue.process(() => {}))).toBe('invalid-state');
    await queue.pause();
    await queue.resume();
    await queue.disconnect();
  });

  it('goes on adding while it drains', async () => {
    const { queue, store, clock, settle } = scriptedQueue();
    const gate = gates();
    queue.process(gate.handler);
    store.deliver(job('a'));
    await settle();
    const drained = watch(queue.drain());
    await clock.advance(10);
    await queue.add(1);
    expect(code(() => queue.process(() => {}))).toBe('invalid-state');
    gate.finish('a');
    await settle();
    expect(drained.done).toBe(true);
    await queue.add(2);
    expect(code(() => queue.process(() => {}))).toBe('invalid-state');
    expect(store.closing.calls).toHaveLength(0);
  });
});
