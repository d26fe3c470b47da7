import type { StoreCapabilities } from '@switchyard/queue-api';
import { describe } from 'vitest';
import { blockedEventLoop } from './faults/blocked-event-loop.ts';
import { killedWorkers } from './faults/killed-workers.ts';
import { crowdlessPoison, poison, uncountedPoison } from './faults/poison.ts';
import { terminatedWorkers } from './faults/terminated-workers.ts';
import type { ServiceOptions } from './worker-process.ts';

/** What a store may lack that workers notice: without the last two, crashes cannot be told from failures and returns. */
export interface WorkerAbilities extends Pick<StoreCapabilities, 'countsCrashes' | 'freeRelease' | 'keepsNote'> {
  /** Leases never last for less than this. Default: for as long as they are told to. */
  readonly leastLeaseMs?: number;
}

const ALL: WorkerAbilities = { countsCrashes: true, freeRelease: true, keepsNote: true };

/** What can become of workers while their store is well. `options` is called for each test. */
export function describeWorkerFaults(
  options: () => ServiceOptions | Promise<ServiceOptions>,
  { countsCrashes, freeRelease, keepsNote, leastLeaseMs = 0 }: WorkerAbilities = ALL,
): void {
  describe('killed workers', () => {
    killedWorkers(options, countsCrashes, leastLeaseMs);
  });
  describe('a poison job', () => {
    if (!countsCrashes) uncountedPoison(options, leastLeaseMs);
    else if (freeRelease && keepsNote) poison(options);
    else crowdlessPoison(options);
  });
  describe('workers that are told to stop', () => {
    terminatedWorkers(options, freeRelease);
  });
  describe('a blocked event loop', () => {
    blockedEventLoop(options, countsCrashes, leastLeaseMs);
  });
}
