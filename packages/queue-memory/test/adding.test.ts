import { describe, expect, it } from 'vitest';
import { CAPABILITIES } from '../src/capabilities.ts';
import { newJob, openTestQueue, type TestQueue, words } from './test-queue.ts';

describe('a job that is added', () => {
  it('is handed out as it was, as attempt 1, without a note', async () => {
    const queue = await openTestQueue();
    const job = newJob({ body: '{"to":"ada"}', headers: { trace: 'abc', ['__proto__']: 'kept' }, priority: -3 });
    await queue.add(job);
    const { receipt: _, ...delivery } = await queue.takeOne();
    const { delayMs: __, ...rest } = job;
    expect(delivery).toEqual({ kind: 'job', ...rest, attempt: 1, enqueuedAt: queue.clock.now() });
    expect(delivery).not.toHaveProperty('note');
  });

  it('is a copy: neither the caller nor a worker can change it afterwards', async () => {
    const queue = await openTestQueue();
    const headers: Record<string, string> = { kept: 'yes' };
    const job = { ...newJob(), headers };
    await queue.add(job);
    Object.assign(headers, { kept: 'no', late: 'yes' });
    Object.assign(job, { body: '"changed"' });
    const first = await queue.takeOne();
    expect(first).toMatchObject({ body: '{}', headers: { kept: 'yes' } });
    expect(first.headers).not.toHaveProperty('late');
    Object.assign(first.headers, { kept: 'changed by a worker' });
    await queue.retry(first);
    expect((await queue.takeOne()).headers).toEqual({ kept: 'yes' });
  });

  it('has the time it was added in whole milliseconds, whatever happens to it later', async () => {
    const queue = await openTestQueue();
    const added = queue.clock.now();
    queue.clock.advance(0.7);
    await queue.add({ delayMs: 50 });
    queue.clock.advance(100);
    const first = await queue.takeOne();
    await queue.retry(first);
    queue.clock.advance(100);
    const second = await queue.takeOne();
    expect([first.enqueuedAt, second.enqueuedAt]).toEqual([added, added]);
  });
});

describe('an id that is stored', () => {
  const states: Record<string, (queue: TestQueue) => Promise<unknown>> = {
    waiting: queue => queue.add({ id: 'a' }),
    delayed: queue => queue.add({ id: 'a', delayMs: 100 }),
    leased: async queue => {
      await queue.add({ id: 'a' });
      await queue.takeOne(100);
    },
    retrying: async queue => {
      await queue.add({ id: 'a' });
      await queue.retry(await queue.takeOne(), 100);
    },
  };

  it.each(Object.keys(states))('is added again in vain while its job is %s', async state => {
    const queue = await openTestQueue();
    await states[state]!(queue);
    const before = await queue.counts();
    expect(await words(queue.add({ id: 'a', body: '"second"', priority: -1 }))).toEqual(['ok']);
    expect(await queue.counts()).toEqual(before);
    queue.clock.advance(100);
    expect((await queue.take(9)).map(({ body, priority }) => [body, priority])).toEqual([['{}', 20]]);
  });

  it('is added again in vain while its job is in the dead letters', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    await queue.bury(await queue.takeOne());
    expect(await words(queue.add({ id: 'a' }))).toEqual(['ok']);
    expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, dead: 1 });
  });

  it('does not end the lease of its job when it is added again', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    const job = await queue.takeOne();
    await queue.add({ id: 'a' });
    expect(await words(queue.ack(job))).toEqual(['ok']);
    expect(await queue.take(9)).toEqual([]);
  });

  it('is free again once its job is finished', async () => {
    const queue = await openTestQueue();
    await queue.add({ id: 'a' });
    await queue.ack(await queue.takeOne());
    await queue.add({ id: 'a', body: '"again"' });
    expect(await queue.takeOne()).toMatchObject({ id: 'a', body: '"again"', attempt: 1 });
  });

  it('is one job when it is twice in one batch', async () => {
    const queue = await openTestQueue();
    expect(await words(queue.add({ id: 'a' }, { id: 'a' }, { id: 'b' }))).toEqual(['ok', 'ok', 'ok']);
    expect(await queue.order()).toEqual(['a', 'b']);
  });
});

describe('a body', () => {
  const textOf = (bytes: number, width: 1 | 3) =>
    `"${(width === 1 ? 'x' : '€').repeat(Math.floor((bytes - 2) / width))}${'x'.repeat((bytes - 2) % width)}"`;

  it.each([1, 3] as const)('of %i-byte characters is taken up to exactly maxBodyBytes', async width => {
    const { maxBodyBytes } = CAPABILITIES;
    const queue = await openTestQueue();
    const largest = textOf(maxBodyBytes, width);
    const outcomes = await queue.add({}, { body: largest }, { body: textOf(maxBodyBytes + 1, width) }, {});
    expect(outcomes).toEqual([
      { ok: true },
      { ok: true },
      {
        ok: false,
        code: 'payload-too-large',
        message: `The body has ${maxBodyBytes + 1} bytes; the memory store takes up to ${maxBodyBytes}`,
      },
      { ok: true },
    ]);
    const bodies = (await queue.take(9)).map(({ body }) => body.length);
    expect(bodies).toEqual([2, largest.length, 2]);
  });
});
