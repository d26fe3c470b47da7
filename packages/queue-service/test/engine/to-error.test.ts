import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import { toError } from '../../src/engine/to-error.ts';
import { HOSTILE } from './hostile-errors.ts';

describe('toError', () => {
  it('returns an Error as it is, of another realm too', () => {
    const error = new TypeError('x');
    expect(toError(error)).toBe(error);
    const foreign: unknown = runInNewContext('new RangeError("far away")');
    expect(toError(foreign)).toBe(foreign);
  });

  it('wraps everything else, and keeps it as the cause', () => {
    expect(toError('no luck')).toMatchObject({ message: 'no luck', cause: 'no luck' });
    expect(toError({ status: 500 })).toMatchObject({ message: 'The handler threw {"status":500}' });
    expect(toError(undefined).message).toBe('The handler threw undefined');
    expect(toError(null).message).toBe('The handler threw null');
  });

  it.each(HOSTILE)('never throws: %s', (_, make) => {
    const error = toError(make());
    expect(typeof error.message).toBe('string');
    expect(typeof error.name).toBe('string');
    expect(`${error.name} ${error.message}`).not.toBe('');
  });
});
