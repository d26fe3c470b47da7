import { AssertionError } from 'node:assert/strict';
import { createQueueService } from '@switchyard/queue-service';
import type { ConformanceCase } from './conformance-case.ts';
import type { ConformanceHarness } from './harness.ts';
import { NotApplicable } from './not-applicable.ts';
import { type CreateService, createQueueContext } from './queue/queue-context.ts';
import type { CaseResult } from './report.ts';
import { createStoreContext } from './store/store-context.ts';
import { caseDeadlineMs } from './timings.ts';
import { Trial } from './trial.ts';
import { withDeadline } from './with-deadline.ts';

/**
 * Runs one case against one store, within its deadline, and cleans up. Never rejects. The engine is a parameter for the
 * kit's own tests.
 */
export async function runCase(
  subject: ConformanceCase,
  harness: ConformanceHarness,
  createService: CreateService = createQueueService,
): Promise<CaseResult> {
  const { id, title, level, rules } = subject;
  const skip = harness.skips?.find(candidate => candidate.id === id);
  const startedAt = performance.now();
  const problem = await attempt(subject, harness, createService);
  const line = { id, title, level, rules, durationMs: Math.round(performance.now() - startedAt) };

  if (problem instanceof NotApplicable) {
    if (skip === undefined) return { ...line, outcome: 'not-applicable', reason: problem.message };
    return { ...line, outcome: 'failed', error: `${id} is in the skips but does not apply: ${problem.message}` };
  }
  if (skip !== undefined) {
    if (problem !== undefined) return { ...line, outcome: 'deviation', reason: skip.reason, error: textOf(problem) };
    return { ...line, outcome: 'failed', error: `${id} is in the skips but passes: remove it from there` };
  }
  return problem === undefined
    ? { ...line, outcome: 'passed' }
    : { ...line, outcome: 'failed', error: textOf(problem) };
}

/** @returns what went wrong, or undefined */
async function attempt(
  subject: ConformanceCase,
  harness: ConformanceHarness,
  createService: CreateService,
): Promise<unknown> {
  const trial = new Trial(harness);
  let problem: unknown;
  try {
    await run(subject, harness, trial, createService);
  } catch (error) {
    problem = error ?? new Error(`the case threw ${String(error)}`);
  }
  try {
    await trial.end();
  } catch (error) {
    problem ??= error;
  }
  return problem;
}

async function run(
  subject: ConformanceCase,
  harness: ConformanceHarness,
  trial: Trial,
  createService: CreateService,
): Promise<void> {
  const { capabilities, start } = await prepare(subject, harness, trial, createService);
  const applies = subject.requires?.(capabilities) ?? true;
  if (applies !== true) throw new NotApplicable(applies);

  const deadlineMs = caseDeadlineMs(subject.deadlineMs ?? 30_000, capabilities, trial.timeScale);
  await withDeadline(start(), deadlineMs, () => {
    const pending = trial.waits.pending().join(', ') || 'nothing in particular';
    return new AssertionError({ message: `not done after ${deadlineMs} ms; was waiting for ${pending}` });
  });
}

async function prepare(
  subject: ConformanceCase,
  harness: ConformanceHarness,
  trial: Trial,
  createService: CreateService,
) {
  if (subject.level === 'store') {
    const context = await createStoreContext(harness, trial);
    return { capabilities: context.capabilities, start: () => subject.run(context) };
  }
  const context = await createQueueContext(harness, trial, createService);
  return { capabilities: context.capabilities, start: () => subject.run(context) };
}

function textOf(problem: unknown): string {
  return problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
}
