import { describe } from 'vitest';
import { blockedEventLoop } from './faults/blocked-event-loop.ts';
import { killedWorkers } from './faults/killed-workers.ts';
import { poison } from './faults/poison.ts';
import { terminatedWorkers } from './faults/terminated-workers.ts';
import type { ServiceOptions } from './worker-process.ts';

/** What can become of workers while their store is well. `options` is called for each test. */
export function describeWorkerFaults(options: () => ServiceOptions | Promise<ServiceOptions>): void {
  describe('killed workers', () => {
    killedWorkers(options);
  });
  describe('a poison job', () => {
    poison(options);
  });
  describe('workers that are told to stop', () => {
    terminatedWorkers(options);
  });
  describe('a blocked event loop', () => {
    blockedEventLoop(options);
  });
}
