import type { StoreCapabilities } from '@switchyard/queue-api';
import { describe } from 'vitest';
import { blockedEventLoop } from './faults/blocked-event-loop.ts';
import { killedWorkers } from './faults/killed-workers.ts';
import { crowdlessPoison, poison } from './faults/poison.ts';
import { terminatedWorkers } from './faults/terminated-workers.ts';
import type { ServiceOptions } from './worker-process.ts';

/** What a store may lack that workers notice: without both, crashes cannot be told from failures and returns. */
export type WorkerAbilities = Pick<StoreCapabilities, 'freeRelease' | 'keepsNote'>;

const ALL: WorkerAbilities = { freeRelease: true, keepsNote: true };

/** What can become of workers while their store is well. `options` is called for each test. */
export function describeWorkerFaults(
  options: () => ServiceOptions | Promise<ServiceOptions>,
  { freeRelease, keepsNote }: WorkerAbilities = ALL,
): void {
  describe('killed workers', () => {
    killedWorkers(options);
  });
  describe('a poison job', () => {
    if (freeRelease && keepsNote) poison(options);
    else crowdlessPoison(options);
  });
  describe('workers that are told to stop', () => {
    terminatedWorkers(options, freeRelease);
  });
  describe('a blocked event loop', () => {
    blockedEventLoop(options);
  });
}
