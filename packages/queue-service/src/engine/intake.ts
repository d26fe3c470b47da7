import { JobCrashedError, type JobDelivery, type StoreCapabilities } from '@switchyard/queue-api';
import { type Random, retryDelay } from './backoff.ts';
import { maxAttemptsOf } from './job-headers.ts';
import { decodeNote, encodeNote, type Note, reviveError } from './note.ts';

/** What to do with a job that the store has just handed out. */
export type Intake =
  | { readonly do: 'run'; readonly suspect: boolean }
  /** It came back from a crash: give it back, to return after its backoff. */
  | { readonly do: 'hand-back'; readonly delayMs: number; readonly note: string }
  /** Its attempts are used up. */
  | { readonly do: 'bury'; readonly error: Error; readonly attempts: number; readonly tellDlqHandler: boolean };

export interface IntakePolicy {
  /** The queue's own `maxAttempts`; the job's wins. */
  readonly maxAttempts: number;
  readonly capabilities: StoreCapabilities;
  readonly random: Random;
}

/** A job that crashed this often is only run with nothing else suspicious around it. */
const SUSPECT_AFTER_CRASHES = 2;

const RUN: Intake = { do: 'run', suspect: false };
const RUN_AS_SUSPECT: Intake = { do: 'run', suspect: true };

/**
 * Rule 14: a job that kills its process ends in the dead letters as well, and does not take its neighbours along.
 *
 * A hand-out without a recorded end was a crash, but of the process: which of its jobs did it, nobody knows. So each
 * of them returns with the backoff a failure would have had; after two crashes it runs as a suspect, one at a time,
 * and soon either finishes or dies alone.
 */
export function intake(delivery: JobDelivery, policy: IntakePolicy): Intake {
  const { attempt } = delivery;
  const note = decodeNote(delivery.note);
  const maxAttempts = maxAttemptsOf(delivery.headers) ?? policy.maxAttempts;
  const crashes = countCrashes(delivery, note, policy.capabilities);

  if (attempt > maxAttempts) {
    return {
      do: 'bury',
      error: lastError(attempt - 1, crashes, note),
      attempts: attempt - 1,
      tellDlqHandler: !dlqHandlerMayHaveCrashed(attempt, maxAttempts, crashes, note),
    };
  }
  if (crashes > note.crashes) {
    return {
      do: 'hand-back',
      delayMs: retryDelay(attempt - 1, policy.random, policy.capabilities),
      note: encodeNote({ ...note, crashes }),
    };
  }
  return crashes >= SUSPECT_AFTER_CRASHES ? RUN_AS_SUSPECT : RUN;
}

/**
 * Needs a store that keeps notes and does not count releases: elsewhere failures, releases and crashes cannot be told
 * apart, and giving a suspect back would use up its attempts.
 */
function countCrashes(delivery: JobDelivery, note: Note, capabilities: StoreCapabilities): number {
  if (!capabilities.keepsNote || !capabilities.freeRelease || !capabilities.countsCrashes) return 0;
  return Math.max(0, delivery.attempt - 1 - note.failures);
}

function lastError(attempts: number, crashes: number, note: Note): Error {
  const recorded = note.error === undefined ? undefined : reviveError(note.error);
  if (crashes === 0 && recorded !== undefined) return recorded;
  const message = `The job was handed out ${attempts} times and its last attempt never ended: its process died or stalled`;
  return new JobCrashedError(message, recorded === undefined ? {} : { cause: recorded });
}

/**
 * A `dlqHandler` that killed its process must not get the job again. It runs right after the last attempt failed, so
 * its crash looks like one of that attempt: all earlier attempts failed properly and only the last left no trace.
 */
function dlqHandlerMayHaveCrashed(attempt: number, maxAttempts: number, crashes: number, note: Note): boolean {
  if (crashes === 0) return false;
  return attempt > maxAttempts + 1 || (crashes === 1 && note.failures === maxAttempts - 1);
}
