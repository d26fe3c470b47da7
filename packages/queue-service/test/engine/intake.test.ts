import { isQueueError, type JobDelivery } from '@switchyard/queue-api';
import { describe, expect, it } from 'vitest';
import { failureNote } from '../../src/engine/failure-notes.ts';
import { type Intake, intake } from '../../src/engine/intake.ts';
import { decodeNote, encodeNote, type Note } from '../../src/engine/note.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { job, ScriptedStore } from './scripted-store.ts';

const { capabilities } = new ScriptedStore({ clock: new ManualClock() });

function decide(attempt: number, note: Partial<Note> = {}, delivery: Partial<JobDelivery> = {}, changes = {}) {
  const written = encodeNote({ failures: 0, crashes: 0, ...note });
  const policy = { maxAttempts: 5, capabilities: { ...capabilities, ...changes }, random: () => 0.5 };
  return intake(job('a', { attempt, note: written, ...delivery }), policy);
}

const summary = (plan: Intake): string => {
  switch (plan.do) {
    case 'run':
      return plan.suspect ? 'suspect' : 'run';
    case 'hand-back':
      return `back for ${plan.delayMs}`;
    case 'bury':
      return `bury ${plan.attempts} ${plan.tellDlqHandler ? 'told' : 'parked'}`;
  }
};

describe('intake', () => {
  it.each<[attempt: number, failures: number, crashes: number, expected: string]>([
    // attempt, failures on record, crashes that had their backoff
    [1, 0, 0, 'run'],
    [2, 1, 0, 'run'],
    [5, 4, 0, 'run'],
    // A hand-out that left no trace was a crash: it gets the backoff of a failure, once.
    [2, 0, 0, 'back for 1000'],
    [3, 1, 0, 'back for 2000'],
    [5, 3, 0, 'back for 8000'],
    [2, 0, 1, 'run'],
    [3, 1, 1, 'run'],
    // Twice: a suspect, once it had its backoff.
    [3, 0, 1, 'back for 2000'],
    [3, 0, 2, 'suspect'],
    [4, 1, 2, 'suspect'],
    [5, 0, 4, 'suspect'],
    [5, 0, 3, 'back for 8000'],
    // All attempts used up.
    [6, 5, 0, 'bury 5 told'],
    [6, 0, 4, 'bury 5 told'],
    [6, 0, 5, 'bury 5 told'],
    [6, 3, 1, 'bury 5 told'],
    // Only the last attempt left no trace, so it may have been the dlqHandler that crashed.
    [6, 4, 0, 'bury 5 parked'],
    // The dlqHandler was asked at attempt 6 already.
    [7, 0, 5, 'bury 6 parked'],
    [7, 3, 0, 'bury 6 parked'],
    [7, 6, 0, 'bury 6 told'],
  ])('attempt %i with %i failures and %i crashes on record: %s', (attempt, failures, crashes, expected) => {
    expect(summary(decide(attempt, { failures, crashes }))).toBe(expected);
  });

  it('counts a job whose note is gone as crashed', () => {
    expect(summary(decide(2, {}, { note: 'garbage' }))).toBe('back for 1000');
    const { note: _, ...bare } = job('a', { attempt: 3 });
    expect(summary(intake(bare, { maxAttempts: 5, capabilities, random: () => 0.5 }))).toBe('back for 2000');
  });

  it("follows the job's own maxAttempts", () => {
    expect(summary(decide(2, { failures: 1 }, { headers: { maxAttempts: '1' } }))).toBe('bury 1 told');
    expect(summary(decide(7, { failures: 6 }, { headers: { maxAttempts: '9' } }))).toBe('run');
    expect(summary(decide(6, { failures: 5 }, { headers: { maxAttempts: 'x' } }))).toBe('bury 5 told');
  });

  it('writes the new crash down, so that it is given back once for it', () => {
    const plan = decide(3, { failures: 1, error: { name: 'E', message: 'm' } });
    if (plan.do !== 'hand-back') throw new Error(plan.do);
    expect(decodeNote(plan.note)).toEqual({ failures: 1, crashes: 1, error: { name: 'E', message: 'm' } });
    expect(summary(decide(3, decodeNote(plan.note)))).toBe('run');
  });

  it.each([{ keepsNote: false }, { freeRelease: false }, { countsCrashes: false }])(
    'suspects nobody on a store that cannot tell: %o',
    changes => {
      expect(summary(decide(3, {}, {}, changes))).toBe('run');
      expect(summary(decide(6, {}, {}, changes))).toBe('bury 5 told');
    },
  );

  it('buries with the last failure on record', () => {
    const plan = decide(
      6,
      decodeNote(failureNote(job('a', { note: encodeNote({ failures: 4, crashes: 0 }) }), new TypeError('no luck'))),
    );
    if (plan.do !== 'bury') throw new Error(plan.do);
    expect(plan.error).toMatchObject({ name: 'TypeError', message: 'no luck' });
  });

  it('buries what crashed with a JobCrashedError, caused by the last failure on record', () => {
    const crashed = decide(6, { failures: 2, crashes: 2, error: { name: 'E', message: 'before' } });
    if (crashed.do !== 'bury') throw new Error(crashed.do);
    expect(isQueueError(crashed.error, 'crashed')).toBe(true);
    expect(crashed.error.cause).toMatchObject({ name: 'E', message: 'before' });
    const silent = decide(6, { crashes: 4 });
    if (silent.do !== 'bury') throw new Error(silent.do);
    expect(isQueueError(silent.error, 'crashed')).toBe(true);
    expect(silent.error.cause).toBeUndefined();
  });
});
