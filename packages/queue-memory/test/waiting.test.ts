import { getEventListeners } from 'node:events';
import type { Delivery } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { jobsOf, openTestQueue } from './test-queue.ts';

const idsOf = (deliveries: readonly Delivery[]) => jobsOf(deliveries).map(({ id }) => id);

/** What a promise has come to after a full turn of the event loop. */
async function stateOf(promise: Promise<readonly Delivery[]>): Promise<string[] | 'waiting'> {
  let state: string[] | 'waiting' = 'waiting';
  void promise.then(deliveries => (state = idsOf(deliveries)));
  await new Promise(resolve => void setImmediate(resolve));
  return state;
}

describe('a reserve that finds nothing', () => {
  it('answers at once when it may not wait', async () => {
    const queue = await openTestQueue();
    expect(await stateOf(queue.reserve({ waitMs: 0 }))).toEqual([]);
    expect(queue.clock.timers).toBe(0);
  });

  it('waits for as long as it may, no longer, and leaves no timer', async () => {
    const queue = await openTestQueue();
    const answer = queue.reserve({ waitMs: 100 });
    queue.clock.advance(99);
    expect(await stateOf(answer)).toBe('waiting');
    queue.clock.advance(1);
    expect(await stateOf(answer)).toEqual([]);
    expect(queue.clock.timers).toBe(0);
  });

  it('answers when a job is added, with as many as there are, and does not wait for more', async () => {
    const queue = await openTestQueue();
    const answer = queue.reserve({ max: 10, waitMs: 100 });
    await queue.add({ id: 'b' }, { id: 'a', priority: 1 });
    expect(await stateOf(answer)).toEqual(['a', 'b']);
    expect(queue.clock.timers).toBe(0);
  });

  it('answers when a delayed job is due, not before', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'late', delayMs: 90 });
    const answer = queue.reserve({ waitMs: 1000 });
    await queue.add({ id: 'soon', delayMs: 50 });
    queue.clock.advance(49);
    expect(await stateOf(answer)).toBe('waiting');
    queue.clock.advance(1);
    expect(await stateOf(answer)).toEqual(['soon']);
  });

  it('answers when a job is handed back, and when its retry is due', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const job = await queue.takeOne();
    const first = queue.reserve({ waitMs: 1000 });
    await queue.release(job);
    const [again] = await first;
    expect(again).toMatchObject({ id: 'a', attempt: 1 });
    const second = queue.reserve({ waitMs: 1000 });
    await queue.retry(again!, 50);
    expect(await stateOf(second)).toBe('waiting');
    queue.clock.advance(50);
    expect(await second).toMatchObject([{ id: 'a', attempt: 2 }]);
  });

  it('answers when another worker’s lease ends, also one that is extended or cut short meanwhile', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const job = await queue.takeOne(100);
    const answer = queue.reserve({ waitMs: 10_000 });
    queue.clock.advance(90);
    await queue.extend(1000, job);
    queue.clock.advance(500);
    expect(await stateOf(answer)).toBe('waiting');
    await queue.extend(10, job);
    queue.clock.advance(9);
    expect(await stateOf(answer)).toBe('waiting');
    queue.clock.advance(1);
    expect(await answer).toMatchObject([{ id: 'a', attempt: 2 }]);
  });

  it('gets a lease that lasts from the moment it is answered', async () => {
    const queue = await openTestQueue();
    const answer = queue.reserve({ waitMs: 1000, leaseMs: 100 });
    queue.clock.advance(500);
    await queue.add({});
    await answer;
    queue.clock.advance(99);
    expect(await queue.counts()).toMatchObject({ active: 1 });
    queue.clock.advance(1);
    expect(await queue.counts()).toMatchObject({ active: 0 });
  });
});

describe('reserves that wait together', () => {
  it('are served in the order in which they came, each as many as it asked for', async () => {
    const queue = await openTestQueue();
    const answers = [2, 1, 3, 1].map(max => queue.reserve({ max, waitMs: 1000 }));
    await queue.add(...Array.from({ length: 5 }, (_, n) => ({ id: `${n}` })));
    const states: unknown[] = [];
    for (const answer of answers) states.push(await stateOf(answer));
    expect(states).toEqual([['0', '1'], ['2'], ['3', '4'], 'waiting']);
    await queue.add({ id: '5' });
    expect(await stateOf(answers[3]!)).toEqual(['5']);
  });

  it('come before a reserve that comes later, though it is the first to notice that a job is due', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a', delayMs: 50 });
    const waiting = queue.reserve({ waitMs: 1000 });
    queue.clock.advanceSilently(50);
    expect(await stateOf(queue.reserve({ waitMs: 0 }))).toEqual([]);
    expect(await stateOf(waiting)).toEqual(['a']);
  });

  it('lose nobody’s turn when one of them gives up', async () => {
    const queue = await openTestQueue();
    const abort = new AbortController();
    const answers = [
      queue.reserve({ waitMs: 10 }),
      queue.reserve({ waitMs: 1000, signal: abort.signal }),
      queue.reserve({ waitMs: 1000 }),
    ];
    queue.clock.advance(10);
    abort.abort();
    await queue.add({ id: 'a' });
    expect((await Promise.all(answers)).map(idsOf)).toEqual([[], [], ['a']]);
  });

  it('share one timer for all deadlines of the queue, besides one each for their own', async () => {
    const queue = await openTestQueue();
    await queue.add(...Array.from({ length: 100 }, (_, n) => ({ delayMs: 1000 + n })));
    expect(queue.clock.timers).toBe(0);
    const answers = [queue.reserve({ waitMs: 100 }), queue.reserve({ waitMs: 100 })];
    expect(queue.clock.timers).toBe(3);
    queue.clock.advance(100);
    await Promise.all(answers);
    expect(queue.clock.timers).toBe(0);
  });
});

describe('a signal', () => {
  it('ends the waiting, with nothing, and leaves no timer', async () => {
    const queue = await openTestQueue();
    await queue.add({ delayMs: 5000 });
    const abort = new AbortController();
    const answer = queue.reserve({ waitMs: 1000, signal: abort.signal });
    expect(await stateOf(answer)).toBe('waiting');
    abort.abort();
    expect(await stateOf(answer)).toEqual([]);
    expect(queue.clock.timers).toBe(0);
  });

  it('that has aborted before leases nothing, though there is a job', async () => {
    const queue = await openTestQueue();
    await queue.add({});
    expect(await stateOf(queue.reserve({ waitMs: 1000, signal: AbortSignal.abort() }))).toEqual([]);
    expect(await queue.counts()).toMatchObject({ waiting: 1, active: 0 });
  });

  it('that aborts right after a job was handed out does not take it away', async () => {
    const queue = await openTestQueue();
    const abort = new AbortController();
    const answer = queue.reserve({ waitMs: 1000, signal: abort.signal });
    const added = queue.add({ id: 'a' });
    abort.abort();
    await added;
    expect(await stateOf(answer)).toEqual(['a']);
  });

  it('leases nothing to whom it calls off, even when somebody else hears it first and adds a job', async () => {
    const queue = await openTestQueue();
    const abort = new AbortController();
    abort.signal.addEventListener('abort', () => void queue.add({ id: 'a' }));
    const calledOff = queue.reserve({ waitMs: 1000, signal: abort.signal });
    const staying = queue.reserve({ waitMs: 1000 });
    abort.abort();
    expect(await stateOf(calledOff)).toEqual([]);
    expect(await stateOf(staying)).toEqual(['a']);
  });

  it('carries no listener of ours, however often it has been waited with', async () => {
    const queue = await openTestQueue();
    const { signal } = new AbortController();
    const closing = await queue.openAgain();
    for (let round = 0; round < 100; round++) {
      const [served, timedOut, closed] = [
        queue.reserve({ waitMs: 100, signal }),
        queue.reserve({ waitMs: 100, signal }),
        closing.reserve({ waitMs: 1000, signal }),
      ];
      await queue.add({});
      await queue.ack(...(await served));
      queue.clock.advance(100);
      await timedOut;
      if (round === 99) {
        await closing.raw.close({ timeoutMs: 1000 });
      } else {
        await queue.add({});
        await queue.ack(...(await closed));
      }
    }
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(queue.clock.timers).toBe(0);
  });
});
