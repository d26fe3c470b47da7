import { describe, expect, it } from 'vitest';
import { isReadableVersion, jobHeaders, maxAttemptsOf } from '../../src/engine/job-headers.ts';

describe('the headers of a job', () => {
  it('carry its maxAttempts', () => {
    expect(jobHeaders(undefined)).toEqual({});
    expect(maxAttemptsOf(jobHeaders(undefined))).toBeUndefined();
    expect(maxAttemptsOf(jobHeaders(7))).toBe(7);
  });

  it.each(['', 'x', '0', '-1', '1.5', 'Infinity', '1e300'])('are ignored where they make no sense: %j', maxAttempts => {
    expect(maxAttemptsOf({ maxAttempts })).toBeUndefined();
  });

  it('say which version wrote them, 1 when they do not', () => {
    expect(isReadableVersion({})).toBe(true);
    expect(isReadableVersion({ v: '1', later: 'x' })).toBe(true);
    expect(isReadableVersion({ v: '2' })).toBe(false);
  });
});
