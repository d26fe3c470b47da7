import { createScene } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { otherClient } from '../open-store.ts';
import { createCrew } from './crew.ts';
import { ownPlace, SESSION_MS } from './place.ts';

const { url: brokers } = await testServer('kafka');
const LONG_MS = 2 * SESSION_MS;

describe.concurrent('a handler that outlives the session', () => {
  it('runs once, with another worker waiting', { timeout: 60_000 }, async () => {
    await using scene = await createScene({
      service: { ...(await ownPlace()), leaseDuration: SESSION_MS },
      concurrency: 2,
    });
    await Promise.all([scene.startWorker(), scene.startWorker()].map(worker => scene.ready(worker)));
    await scene.addTasks(2, () => ({ ms: LONG_MS }));
    expect(await scene.allFinished({ within: 40_000 })).toBe(0);
    expect(scene.ledger.started().map(({ attempt }) => attempt)).toEqual([1, 1]);
    expect(scene.ledger.entries('lost')).toEqual([]);
  });

  it(
    'keeps its partition while others join and get the idle ones, and while they leave',
    {
      timeout: 60_000,
    },
    async () => {
      const admin = otherClient(brokers).admin();
      await admin.connect();
      onTestFinished(() => admin.disconnect());
      await using crew = await createCrew({ brokers, settings: { partitions: 4 } });
      const first = await crew.hire();
      const long = await crew.addTasks(2, { ms: LONG_MS });
      await vi.waitFor(() => expect(crew.runs).toHaveLength(2), { timeout: 20_000, interval: 10 });
      const second = await crew.hire();
      // Both have their part before there is more: what is busy when the group shares out stays where it is for a while.
      await vi.waitFor(
        async () => {
          const { groups } = await admin.describeGroups([crew.topics.main]);
          expect(groups).toMatchObject([{ state: 'Stable', members: [{}, {}] }]);
        },
        { timeout: 20_000, interval: 10 },
      );
      await vi.waitFor(
        async () => {
          await crew.addTasks(4);
          await crew.untilEnded(4);
          expect(second.ran().length).toBeGreaterThan(0);
        },
        { timeout: 20_000, interval: 50 },
      );
      expect(crew.runs.filter(({ id, endedAt }) => long.includes(id) && endedAt === undefined)).toHaveLength(2);
      await second.leave();
      expect(await crew.allEnded()).toEqual([]);
      expect(crew.runs.filter(({ id }) => long.includes(id)).map(({ worker }) => worker)).toEqual([0, 0]);
      expect([...first.lost, ...second.lost]).toEqual([]);
    },
  );
});
