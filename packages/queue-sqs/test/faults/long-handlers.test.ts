import { createScene } from '@switchyard/fault-kit';
import { expect, it } from 'vitest';
import { ownPlace } from './place.ts';

/** SQS hides a message for two seconds then. */
const LEASE_MS = 1000;
const HIDDEN_MS = 2000;

it(
  'a handler that outlives three visibility times runs once, with other workers waiting',
  { timeout: 60_000 },
  async () => {
    const service = { ...(await ownPlace()), leaseDuration: LEASE_MS };
    await using scene = await createScene({ service, concurrency: 2 });
    await Promise.all([scene.startWorker(), scene.startWorker()].map(worker => scene.ready(worker)));
    await scene.addTasks(2, () => ({ ms: 3.5 * HIDDEN_MS }));
    expect(await scene.allFinished({ within: 30_000 })).toBe(0);
    expect(scene.ledger.started().map(({ attempt }) => attempt)).toEqual([1, 1]);
  },
);
