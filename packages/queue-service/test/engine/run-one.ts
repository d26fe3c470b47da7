import type { DLQHandler, JobDelivery, ProcessHandler, StandardSchemaV1 } from '@switchyard/queue-api';
import { Attempt } from '../../src/engine/attempt.ts';
import type { Intake } from '../../src/engine/intake.ts';
import type { RunResult } from '../../src/engine/run-result.ts';
import { Runner } from '../../src/engine/runner.ts';
import { Slots } from '../../src/engine/slots.ts';
import { ManualClock } from '../../src/testing/manual-clock.ts';
import { job } from './scripted-store.ts';

export interface RunOptions {
  readonly handler?: ProcessHandler;
  readonly dlqHandler?: DLQHandler;
  readonly schema?: StandardSchemaV1;
  readonly timeoutMs?: number;
  readonly maxAttempts?: number;
}

/** A runner whose every word is recorded, in order. */
export function runner({ handler = () => {}, dlqHandler, schema, timeoutMs, maxAttempts = 5 }: RunOptions = {}) {
  const clock = new ManualClock();
  const slots = new Slots();
  const log: string[] = [];
  const results: RunResult[] = [];
  const under = new Runner({
    queue: 'q',
    slots,
    handler,
    dlqHandler,
    schema,
    timeoutMs,
    clock,
    mayStart: () => true,
    isLastAttempt: ({ delivery }) => delivery.attempt >= maxAttempts,
    onStart: ({ delivery }) => void log.push(`start ${delivery.id}`),
    onResult: ({ delivery }, result) => {
      results.push(result);
      log.push(`${result.kind} ${delivery.id}`);
    },
    onLeave: ({ delivery }) => void log.push(`leave ${delivery.id}`),
    onStuck: ({ delivery }) => void log.push(`stuck ${delivery.id}`),
    onDlqHandlerError: ({ delivery }, error) => void log.push(`dlq ${delivery.id} ${error.message}`),
  });
  const start = (id: string, delivery: Partial<JobDelivery> = {}, plan: Intake = { do: 'run', suspect: false }) => {
    if (plan.do === 'hand-back') throw new Error('that is not run');
    const attempt = new Attempt(job(id, delivery), plan, 0);
    under.start(attempt);
    return attempt;
  };
  return { clock, slots, log, results, runner: under, start, settle: () => clock.advance(0) };
}

/** An error by which the last attempt of a crashed job is buried. */
export function burial(tellDlqHandler: boolean): Intake {
  return { do: 'bury', error: new Error('buried'), attempts: 3, tellDlqHandler };
}
