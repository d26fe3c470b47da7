import { InvalidPayloadError, LeaseLostError, type StandardSchemaV1 } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { burial, runner } from './run-one.ts';
import { expectNoUnhandledRejections } from './world.ts';

const numbers = z.object({ n: z.string().transform(Number) });
const good = { body: '{"n":"3"}' };
const bad = { body: '{"n":3}' };

/** A schema that answers when the test wants it. */
function slowSchema() {
  const gate = Promise.withResolvers<StandardSchemaV1.Result<unknown>>();
  const schema: StandardSchemaV1 = { '~standard': { version: 1, vendor: 'test', validate: () => gate.promise } };
  return { schema, ...gate };
}

describe('Runner, with a schema', () => {
  it("gives the handler the schema's output", async () => {
    const seen: unknown[] = [];
    const { start, settle, results } = runner({ schema: numbers, handler: ({ payload }) => void seen.push(payload) });
    start('a', good);
    await settle();
    expect(seen).toEqual([{ n: 3 }]);
    expect(results).toEqual([{ kind: 'completed' }]);
  });

  it('buries at once what does not match: the dlqHandler gets the stored input, the handler nothing', async () => {
    const seen: unknown[] = [];
    const { start, settle, results } = runner({
      schema: numbers,
      handler: () => void seen.push('handler'),
      dlqHandler: ({ payload, attempt }, error) =>
        void seen.push([payload, attempt, error instanceof InvalidPayloadError]),
    });
    start('a', bad);
    await settle();
    expect(seen).toEqual([[{ n: 3 }, 1, true]]);
    expect(results).toMatchObject([{ kind: 'dead', handled: true, attempts: 1, error: { code: 'invalid-payload' } }]);
  });

  it('fails the attempt when the schema itself throws: that may pass', async () => {
    const schema: StandardSchemaV1 = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: () => {
          throw new Error('no database');
        },
      },
    };
    const { start, settle, results } = runner({ schema });
    start('a');
    start('b', { attempt: 5 });
    await settle();
    expect(results).toMatchObject([
      { kind: 'failed', error: { message: 'no database' } },
      { kind: 'dead', attempts: 5 },
    ]);
  });

  it('gives the dlqHandler of a crashed job the output, or the stored input where there is none', async () => {
    const seen: unknown[] = [];
    const { start, settle, results } = runner({
      schema: numbers,
      dlqHandler: ({ payload }, error) => void seen.push([payload, error.message]),
    });
    start('a', good, burial(true));
    start('b', bad, burial(true));
    await settle();
    expect(seen).toEqual([
      [{ n: 3 }, 'buried'],
      [{ n: 3 }, 'buried'],
    ]);
    expect(results).toMatchObject([
      { handled: true, attempts: 3 },
      { handled: true, attempts: 3 },
    ]);
  });

  it('does not ask a dlqHandler that killed its process again because the payload does not match', async () => {
    const seen: unknown[] = [];
    const world = runner({ schema: numbers, dlqHandler: () => void seen.push('asked'), timeoutMs: 100 });
    world.start('a', bad, burial(false));
    world.start('b', good, burial(false));
    await world.settle();
    const slow = runner({ schema: slowSchema().schema, dlqHandler: () => void seen.push('asked'), timeoutMs: 100 });
    slow.start('c', good, burial(false));
    await slow.clock.advance(6000);
    expect(seen).toEqual([]);
    expect([...world.results, ...slow.results]).toMatchObject([
      { kind: 'dead', handled: false },
      { kind: 'dead', handled: false },
      { kind: 'dead', handled: false },
    ]);
  });

  it('does not start the handler when the job ended while it was checked', async () => {
    const seen: unknown[] = [];
    const { schema, resolve } = slowSchema();
    const { start, settle, results } = runner({ schema, handler: () => void seen.push('handler') });
    start('a').abort(new LeaseLostError('gone'));
    resolve({ value: 1 });
    await settle();
    expect(seen).toEqual([]);
    expect(results).toEqual([{ kind: 'interrupted' }]);
  });

  it.each([
    ['fails', 1, { kind: 'failed', error: { code: 'timeout' } }],
    ['dies', 5, { kind: 'dead', handled: false, error: { code: 'timeout' } }],
  ])('counts checking towards the timeout: attempt %s', async (_, attempt, result) => {
    const { schema } = slowSchema();
    const { start, clock, results, slots } = runner({ schema, timeoutMs: 100 });
    start('a', { attempt });
    await clock.advance(5100);
    expect(results).toMatchObject([result]);
    expect(slots.size).toBe(1);
  });

  it.each([
    ['matches', { value: 1 }],
    ['does not match', { issues: [{ message: 'no' }] }],
  ])('asks nobody about a job that went on elsewhere, when the schema then says it %s', async (_, answer) => {
    expectNoUnhandledRejections();
    const seen: unknown[] = [];
    const { schema, resolve } = slowSchema();
    const world = runner({
      schema,
      timeoutMs: 100,
      handler: () => void seen.push('handler'),
      dlqHandler: () => void seen.push('dlqHandler'),
    });
    world.start('timed out');
    await world.clock.advance(5100);
    world.start('abandoned');
    world.runner.abortAll();
    world.runner.abandonAll();
    world.start('lost').abort(new LeaseLostError('gone'));
    expect(world.results).toMatchObject([{ kind: 'failed' }, { kind: 'interrupted' }]);
    resolve(answer);
    await world.settle();
    expect(seen).toEqual([]);
    expect(world.results.slice(2)).toEqual([{ kind: 'interrupted' }]);
    expect(world.slots.size).toBe(0);
  });
});
