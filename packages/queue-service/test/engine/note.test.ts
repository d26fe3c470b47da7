import { QueueError } from '@switchyard/queue-api';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { failureNote, obituary } from '../../src/engine/failure-notes.ts';
import { decodeNote, encodeNote, recordError, reviveError } from '../../src/engine/note.ts';
import { toError } from '../../src/engine/to-error.ts';
import { HOSTILE } from './hostile-errors.ts';
import { job } from './scripted-store.ts';

const bytes = (text: string) => Buffer.byteLength(text);

describe('a note', () => {
  it('comes back as it was written', () => {
    const note = { failures: 2, crashes: 1, error: { name: 'E', message: 'm' }, at: 'now', attempts: 3 };
    expect(decodeNote(encodeNote(note))).toEqual(note);
  });

  it('is blank when there is none, or none that can be read', () => {
    const blank = { failures: 0, crashes: 0 };
    for (const text of [undefined, '', 'x', 'null', '1', '"a"', '[]', '{}', '{"failures":1}', '{"crashes":"1"}']) {
      expect(decodeNote(text)).toEqual(blank);
    }
  });

  it.each([
    '{"failures":-5,"crashes":0}',
    '{"failures":0,"crashes":-1}',
    '{"failures":0.5,"crashes":0}',
    '{"failures":1e300,"crashes":0}',
  ])('is blank when its counts cannot be counts: %s', text => {
    expect(decodeNote(text)).toEqual({ failures: 0, crashes: 0 });
  });

  it.each(['null', '5', '"x"', '[]', '{}', '{"name":1,"message":2}', '{"name":"E"}'])(
    'keeps its counts when the error in it is no error: %s',
    error => {
      const note = decodeNote(`{"failures":1,"crashes":1,"error":${error}}`);
      expect(note).toMatchObject({ failures: 1, crashes: 1 });
      expect(note.error).toBeUndefined();
    },
  );

  it('never throws, whatever the store brings', () => {
    const text = fc.oneof(
      fc.string(),
      fc.json(),
      fc.jsonValue().map(error => JSON.stringify({ failures: 1, crashes: 0, error })),
    );
    fc.assert(
      fc.property(text, one => {
        const note = decodeNote(one);
        expect(note.failures).toBeGreaterThanOrEqual(0);
        if (note.error !== undefined) expect(reviveError(note.error)).toBeInstanceOf(Error);
        encodeNote({ ...note, crashes: 3 });
      }),
    );
  });
});

describe('a recorded error', () => {
  it('keeps name, message, code and the start of the stack', () => {
    const error = Object.assign(new TypeError('no luck'), { code: 'E_LUCK' });
    const revived = reviveError(recordError(error));
    expect(revived).toMatchObject({ name: 'TypeError', message: 'no luck', code: 'E_LUCK' });
    expect(revived.stack).toBe(error.stack?.slice(0, 2000));
    expect(recordError(new QueueError('denied', 'x')).code).toBe('denied');
    expect(recordError(Object.assign(new Error('x'), { code: 42 })).code).toBe('42');
    expect(recordError(Object.assign(new Error('x'), { code: {} })).code).toBeUndefined();
  });

  it.each(HOSTILE)('is recorded without throwing: %s', (_, make) => {
    const note = decodeNote(failureNote(job('a'), toError(make())));
    expect(note.failures).toBe(1);
    expect(typeof note.error?.message).toBe('string');
  });

  it('fits into 8 KiB, whatever it says', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 10_000, size: 'max' }),
      fc.constantFrom('\u0000', '\ud800', '"', '😀', 'ä', '\\').map(unit => unit.repeat(20_000)),
    );
    const note = JSON.stringify({ failures: 3, crashes: 2, error: { name: 'E', message: 'x'.repeat(7000) } });
    fc.assert(
      fc.property(text, text, text, text, (name, message, code, stack) => {
        const error = Object.assign(new Error(message), { name, code, stack });
        for (const delivery of [job('a'), job('a', { note })]) {
          expect(bytes(failureNote(delivery, error))).toBeLessThanOrEqual(8192);
          expect(bytes(obituary(delivery, error, 99))).toBeLessThanOrEqual(8192);
        }
        expect(
          bytes(encodeNote({ failures: 1e6, crashes: 1e6, error: { name, message, code, stack } })),
        ).toBeLessThanOrEqual(8192);
      }),
      { numRuns: 200 },
    );
  });

  it('gives up the stack before the message', () => {
    const error = Object.assign(new Error('m'.repeat(7000)), { stack: 's'.repeat(5000) });
    const note = decodeNote(failureNote(job('a'), error));
    expect(note.error).toEqual({ name: 'Error', message: 'm'.repeat(1000) });
  });
});

describe('failureNote', () => {
  it('counts one failure more and keeps the crashes', () => {
    const note = encodeNote({ failures: 2, crashes: 1 });
    expect(decodeNote(failureNote(job('a', { note }), new Error('x')))).toMatchObject({ failures: 3, crashes: 1 });
  });
});

describe('obituary', () => {
  it('says how many attempts were made, and speaks of messages that are no jobs as well', () => {
    const note = encodeNote({ failures: 2, crashes: 1 });
    expect(decodeNote(obituary(job('a', { note }), new Error('x'), 3))).toMatchObject({ failures: 2, attempts: 3 });
    expect(decodeNote(obituary(undefined, new Error('x'), 0))).toMatchObject({ failures: 0, attempts: 0 });
  });
});
