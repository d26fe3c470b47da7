import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { Troubles } from '../src/troubles.ts';

let troubles: Troubles<'fetch' | 'commit'>;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance'] });
  troubles = new Troubles();
});
afterEach(() => vi.useRealTimers());

/** Fails twice a second for so long. */
function failFor(ms: number, activity: 'fetch' | 'commit' = 'fetch', error: unknown = activity): void {
  for (let passed = 0; passed <= ms; passed += 500) {
    troubles.failed(activity, error);
    if (passed < ms) vi.advanceTimersByTime(500);
  }
}

it('what fails for a moment is no trouble', () => {
  expect(troubles.lasting).toBeUndefined();
  failFor(3000);
  expect(troubles.lasting).toBeUndefined();
});

it('what fails on is one, with its last error', () => {
  failFor(4000, 'fetch', 'first');
  failFor(0, 'fetch', 'last');
  expect(troubles.lasting).toBe('last');
});

it('what works again is none, and begins anew', () => {
  failFor(4000);
  troubles.over('fetch');
  expect(troubles.lasting).toBeUndefined();
  failFor(3000);
  expect(troubles.lasting).toBeUndefined();
});

it('what works says nothing of what does not', () => {
  failFor(4000, 'commit');
  failFor(0, 'fetch');
  troubles.over('fetch');
  expect(troubles.lasting).toBe('commit');
});

it('what is not even tried any more is forgotten', () => {
  failFor(4000);
  vi.advanceTimersByTime(14_000);
  expect(troubles.lasting).toBe('fetch');
  vi.advanceTimersByTime(2000);
  expect(troubles.lasting).toBeUndefined();
});
