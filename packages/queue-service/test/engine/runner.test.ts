import { InvalidStateError, type JobContext, LeaseLostError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { HOSTILE } from './hostile-errors.ts';
import { runner } from './run-one.ts';
import { hangs } from './script.ts';
import { expectNoUnhandledRejections } from './world.ts';

const last = { attempt: 5 };

describe('Runner, running a handler', () => {
  it('gives it the job, and what it may know', async () => {
    const seen: unknown[] = [];
    const { start, settle, results } = runner({
      handler: (job, context) => {
        seen.push(job, context.queue, context.enqueuedAt, context.signal.aborted);
      },
    });
    start('a', { body: '{"to":"x"}', attempt: 2, enqueuedAt: 7 });
    await settle();
    expect(seen).toEqual([{ id: 'a', payload: { to: 'x' }, attempt: 2 }, 'q', new Date(7), false]);
    expect(results).toEqual([{ kind: 'completed' }]);
  });

  it('holds a slot from its start until it has returned', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, settle, slots, log } = runner({ handler: () => gate.promise });
    start('a');
    await settle();
    expect(slots.size).toBe(1);
    expect(log).toEqual(['start a']);
    gate.resolve();
    await settle();
    expect(slots.size).toBe(0);
    expect(log).toEqual(['start a', 'completed a', 'leave a']);
  });

  it('is done at once with a handler that returns no promise', () => {
    const { start, log } = runner({ handler: () => {} });
    start('a');
    expect(log).toEqual(['start a', 'completed a', 'leave a']);
  });

  it.each([
    ['rejects', () => Promise.reject(new Error('no'))],
    [
      'throws',
      () => {
        throw new Error('no');
      },
    ],
  ])('fails the attempt when it %s', async (_, handler) => {
    expectNoUnhandledRejections();
    const { start, settle, results, slots } = runner({ handler });
    start('a');
    await settle();
    expect(results).toMatchObject([{ kind: 'failed', error: { message: 'no' } }]);
    expect(slots.size).toBe(0);
  });

  it.each(HOSTILE)('fails the attempt when it throws %s', async (_, make) => {
    const { start, settle, results, slots } = runner({ handler: () => Promise.reject(make()) });
    start('a');
    await settle();
    expect(results).toMatchObject([{ kind: 'failed', error: { message: expect.any(String) as string } }]);
    expect(slots.size).toBe(0);
  });

  it.each<[string, unknown, string]>([
    ['resolves', { then: (resolve: () => void) => resolve() }, 'completed'],
    ['rejects', { then: (_: unknown, reject: (error: Error) => void) => reject(new Error('no')) }, 'failed'],
    [
      'resolves, and then rejects as well',
      {
        then: (resolve: () => void, reject: (error: Error) => void) => {
          resolve();
          reject(new Error('no'));
        },
      },
      'completed',
    ],
    [
      'throws in then',
      {
        then: () => {
          throw new Error('no');
        },
      },
      'failed',
    ],
    [
      'throws when its then is read',
      {
        get then(): unknown {
          throw new Error('no');
        },
      },
      'failed',
    ],
  ])('takes a thenable that %s', async (_, thenable, kind) => {
    expectNoUnhandledRejections();
    const { start, settle, log, slots } = runner({ handler: () => thenable as Promise<void> });
    start('a');
    await settle();
    expect(log).toEqual(['start a', `${kind} a`, 'leave a']);
    expect(slots.size).toBe(0);
  });

  it('completes what resolves although it was told to stop', async () => {
    const { start, settle, results } = runner({
      handler: (_, { signal }) => new Promise(resolve => signal.addEventListener('abort', () => resolve())),
    });
    const attempt = start('a');
    attempt.abort(new LeaseLostError('gone'));
    await settle();
    expect(results).toEqual([{ kind: 'completed' }]);
  });

  it('gives a signal that is asked for late the reason it aborted for', async () => {
    const gate = Promise.withResolvers<void>();
    let context: JobContext | undefined;
    const { start, settle } = runner({
      handler: (_, given) => {
        context = given;
        return gate.promise;
      },
    });
    const attempt = start('a');
    const reason = new LeaseLostError('gone');
    attempt.abort(reason);
    attempt.abort(new InvalidStateError('another'));
    expect(context?.signal.reason).toBe(reason);
    gate.resolve();
    await settle();
  });

  it('hands back what ends with an error after its lease was lost: that is not its own failure', async () => {
    const { start, settle, results } = runner({
      handler: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    start('a', last).abort(new LeaseLostError('gone'));
    await settle();
    expect(results).toEqual([{ kind: 'interrupted' }]);
  });

  it('buries a body that is not JSON without asking anybody', () => {
    const told: string[] = [];
    const { start, results, slots, log } = runner({
      handler: ({ id }) => void told.push(id),
      dlqHandler: ({ id }) => void told.push(id),
    });
    start('a', { body: '{' });
    expect(results).toMatchObject([{ kind: 'dead', handled: false, attempts: 1, error: { code: 'unreadable' } }]);
    expect(told).toEqual([]);
    expect(log).toEqual(['dead a', 'leave a']);
    expect(slots.size).toBe(0);
  });
});

describe('Runner, at shutdown', () => {
  it('tells every handler to stop, and hands back what does', async () => {
    const {
      start,
      settle,
      runner: under,
      results,
    } = runner({
      handler: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error))),
    });
    const attempts = [start('a'), start('b', last)];
    under.abortAll();
    await settle();
    expect(results).toEqual([{ kind: 'interrupted' }, { kind: 'interrupted' }]);
    expect(attempts.map(({ abortReason }) => abortReason)).toMatchObject([
      { code: 'shutdown', jobId: 'a' },
      { code: 'shutdown', jobId: 'b' },
    ]);
  });

  it('hands back what ignores that; it keeps its slot, and has no say any more', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      expectNoUnhandledRejections();
      const gate = Promise.withResolvers<void>();
      const { start, settle, runner: under, log, slots } = runner({ handler: () => gate.promise });
      start('a');
      under.abortAll();
      under.abandonAll();
      expect(log).toEqual(['start a', 'interrupted a', 'stuck a']);
      expect(slots.size).toBe(1);
      gate[end](new Error('late') as never);
      await settle();
      expect(log).toEqual(['start a', 'interrupted a', 'stuck a', 'leave a']);
      expect(slots.size).toBe(0);
    }
  });

  it('remembers that the last attempt had failed when it interrupts a dlqHandler', async () => {
    const {
      start,
      settle,
      runner: under,
      results,
    } = runner({
      handler: () => Promise.reject(new Error('no')),
      dlqHandler: hangs,
    });
    start('a', last);
    await settle();
    under.abortAll();
    under.abandonAll();
    expect(results).toMatchObject([{ kind: 'interrupted', error: { message: 'no' } }]);
  });

  it('has no timers that go off afterwards', async () => {
    const { start, runner: under, log, clock } = runner({ handler: hangs, timeoutMs: 100 });
    start('a');
    under.abortAll();
    under.abandonAll();
    const before = [...log];
    await clock.advance(60_000);
    expect(log).toEqual(before);
  });
});
