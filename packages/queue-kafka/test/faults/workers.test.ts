import { describeWorkerFaults } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe } from 'vitest';
import { capabilitiesFor, USUAL_MESSAGE_BYTES } from '../../src/capabilities.ts';
import { ownPlace, SESSION_MS } from './place.ts';

await testServer('kafka');

// Most of the time somebody waits for a session to end.
describe.concurrent('workers', () => {
  describeWorkerFaults(ownPlace, { ...capabilitiesFor(USUAL_MESSAGE_BYTES, [100]), leastLeaseMs: SESSION_MS });
});
