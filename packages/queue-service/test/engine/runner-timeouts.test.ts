import { type JobContext, LeaseLostError } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { burial, runner } from './run-one.ts';
import { hangs } from './script.ts';

const last = { attempt: 5 };

/** A handler that ends with its signal's reason as soon as that aborts. */
const obeys = (_: unknown, { signal }: JobContext) =>
  new Promise<void>((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

describe('Runner, with a timeout', () => {
  it('fails the attempt of a handler that obeys, at its timeout', async () => {
    const { start, clock, results, slots } = runner({ handler: obeys, timeoutMs: 100 });
    start('a');
    await clock.advance(99);
    expect(results).toEqual([]);
    await clock.advance(1);
    expect(results).toMatchObject([{ kind: 'failed', error: { code: 'timeout', jobId: 'a' } }]);
    expect(slots.size).toBe(0);
  });

  it('says timeout whatever the handler throws then', async () => {
    const { start, clock, results } = runner({
      handler: (_, { signal }) =>
        new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(new Error('socket closed')))),
      timeoutMs: 100,
    });
    start('a');
    await clock.advance(100);
    expect(results).toMatchObject([{ kind: 'failed', error: { code: 'timeout' } }]);
  });

  it('does not touch what returns in time', async () => {
    const { start, clock, results, log } = runner({ timeoutMs: 100 });
    start('a');
    await clock.advance(10_000);
    expect(results).toEqual([{ kind: 'completed' }]);
    expect(log).toEqual(['start a', 'completed a', 'leave a']);
  });

  it('fails a handler that ignores it after five seconds of grace, and lets it keep its slot', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const gate = Promise.withResolvers<void>();
      const { start, clock, slots, log, settle } = runner({ handler: () => gate.promise, timeoutMs: 100 });
      start('a');
      await clock.advance(5099);
      expect(log).toEqual(['start a']);
      await clock.advance(1);
      expect(log).toEqual(['start a', 'failed a', 'stuck a']);
      expect(slots.size).toBe(1);
      await clock.advance(60_000);
      gate[end](new Error('late') as never);
      await settle();
      expect(log).toEqual(['start a', 'failed a', 'stuck a', 'leave a']);
      expect(slots.size).toBe(0);
    }
  });

  it('completes what resolves within the grace', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, clock, log, settle } = runner({ handler: () => gate.promise, timeoutMs: 100 });
    start('a');
    await clock.advance(4000);
    gate.resolve();
    await settle();
    await clock.advance(10_000);
    expect(log).toEqual(['start a', 'completed a', 'leave a']);
  });

  it('leaves a handler alone that was told to stop for another reason before, until its own time is over', async () => {
    const { start, clock, log, results } = runner({ handler: hangs, timeoutMs: 100 });
    start('a').abort(new LeaseLostError('gone'));
    await clock.advance(6000);
    expect(log).toContain('stuck a');
    expect(results).toHaveLength(1);
  });
});

describe('Runner, with a dlqHandler', () => {
  const fails = () => Promise.reject(new Error('no'));

  it('asks it after the last attempt, and only then', async () => {
    const told: unknown[] = [];
    const { start, settle, results } = runner({
      handler: fails,
      dlqHandler: (job, error) => void told.push([job, error.message]),
    });
    start('a', { attempt: 4 });
    await settle();
    expect(told).toEqual([]);
    start('b', last);
    await settle();
    expect(told).toEqual([[{ id: 'b', payload: 'b', attempt: 5 }, 'no']]);
    expect(results).toMatchObject([{ kind: 'failed' }, { kind: 'dead', handled: true, attempts: 5 }]);
  });

  it('keeps the slot meanwhile', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, settle, slots, log } = runner({ handler: fails, dlqHandler: () => gate.promise });
    start('a', last);
    await settle();
    expect(slots.size).toBe(1);
    gate.resolve();
    await settle();
    expect(log).toEqual(['start a', 'dead a', 'leave a']);
    expect(slots.size).toBe(0);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('dlq');
      },
    ],
    ['rejects', () => Promise.reject(new Error('dlq'))],
  ])('parks the job when it %s, with the error of the job', async (_, dlqHandler) => {
    const { start, settle, results, log } = runner({ handler: fails, dlqHandler });
    start('a', last);
    await settle();
    expect(results).toMatchObject([{ kind: 'dead', handled: false, error: { message: 'no' } }]);
    expect(log).toContain('dlq a dlq');
  });

  it('parks the job when it takes longer than the timeout and its grace', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, clock, results, slots, log, settle } = runner({
      handler: fails,
      dlqHandler: () => gate.promise,
      timeoutMs: 100,
    });
    start('a', last);
    await clock.advance(5099);
    expect(results).toEqual([]);
    await clock.advance(1);
    expect(results).toMatchObject([{ kind: 'dead', handled: false }]);
    expect(log).toContain('stuck a');
    expect(slots.size).toBe(1);
    gate.resolve();
    await settle();
    expect(results).toHaveLength(1);
    expect(slots.size).toBe(0);
  });

  it('gives it its own whole time, also after a handler that used up its own', async () => {
    const gate = Promise.withResolvers<void>();
    const { start, clock, results, log, settle } = runner({
      handler: obeys,
      dlqHandler: () => gate.promise,
      timeoutMs: 60_000,
    });
    start('a', last);
    await clock.advance(60_000);
    // The handler has obeyed; its grace must not end the dlqHandler.
    await clock.advance(59_000);
    expect(results).toEqual([]);
    gate.resolve();
    await settle();
    expect(results).toMatchObject([{ kind: 'dead', handled: true, error: { code: 'timeout' } }]);
    expect(log).not.toContain('stuck a');
  });

  it('asks it beside a handler that does not return, and waits for both with the slot', async () => {
    const handler = Promise.withResolvers<void>();
    const dlqHandler = Promise.withResolvers<void>();
    const { start, clock, results, slots, settle } = runner({
      handler: () => handler.promise,
      dlqHandler: () => dlqHandler.promise,
      timeoutMs: 100,
    });
    start('a', last);
    await clock.advance(5100);
    expect(results).toEqual([]);
    dlqHandler.resolve();
    await settle();
    expect(results).toMatchObject([{ kind: 'dead', handled: true, error: { code: 'timeout' } }]);
    expect(slots.size).toBe(1);
    handler.resolve();
    await settle();
    expect(slots.size).toBe(0);
    expect(results).toHaveLength(1);
  });

  it('leaves the word to it when the handler returns after all, too late', async () => {
    for (const end of ['resolve', 'reject'] as const) {
      const handler = Promise.withResolvers<void>();
      const dlqHandler = Promise.withResolvers<void>();
      const { start, clock, results, slots, settle } = runner({
        handler: () => handler.promise,
        dlqHandler: () => dlqHandler.promise,
        timeoutMs: 100,
      });
      start('a', last);
      await clock.advance(5100);
      handler[end](new Error('late') as never);
      await settle();
      expect(results).toEqual([]);
      expect(slots.size).toBe(1);
      dlqHandler.reject(new Error('dlq'));
      await settle();
      expect(results).toMatchObject([{ kind: 'dead', handled: false, error: { code: 'timeout' } }]);
      expect(slots.size).toBe(0);
    }
  });

  it('parks the job when neither of them returns', async () => {
    const gates = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    let asked = 0;
    const { start, clock, results, slots, settle } = runner({
      handler: () => gates[0]?.promise,
      dlqHandler: () => {
        asked++;
        return gates[1]?.promise;
      },
      timeoutMs: 100,
    });
    start('a', last);
    await clock.advance(5100 + 5100);
    expect(results).toMatchObject([{ kind: 'dead', handled: false }]);
    await clock.advance(60_000);
    expect(asked).toBe(1);
    expect(slots.size).toBe(1);
    for (const gate of gates) gate.resolve();
    await settle();
    expect(slots.size).toBe(0);
    expect(results).toHaveLength(1);
  });

  it('buries what was crashed: asks it where it may, and never the handler', async () => {
    const told: unknown[] = [];
    const world = runner({
      handler: () => void told.push('handler'),
      dlqHandler: ({ attempt }, error) => void told.push(`${attempt} ${error.message}`),
    });
    world.start('a', { attempt: 4 }, burial(true));
    world.start('b', { attempt: 4 }, burial(false));
    await world.settle();
    expect(told).toEqual(['3 buried']);
    expect(world.results).toMatchObject([
      { kind: 'dead', handled: false, attempts: 3 },
      { kind: 'dead', handled: true, attempts: 3 },
    ]);
    expect(world.log).not.toContain('start a');
  });

  it('parks when there is none', () => {
    const { start, results } = runner({});
    start('a', last, burial(true));
    expect(results).toMatchObject([{ kind: 'dead', handled: false, attempts: 3 }]);
  });

  it('does not take an interrupted one for a failure', async () => {
    const {
      start,
      settle,
      runner: under,
      results,
    } = runner({
      handler: fails,
      dlqHandler: () => Promise.withResolvers<void>().promise,
    });
    const attempt = start('a', last);
    await settle();
    attempt.abort(new LeaseLostError('gone'));
    under.abandonAll();
    expect(results).toMatchObject([{ kind: 'interrupted', error: { message: 'no' } }]);
  });
});
