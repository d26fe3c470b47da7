import { createScene, rounds } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { createCrew } from './crew.ts';
import { ownPlace } from './place.ts';

const { url: brokers } = await testServer('kafka');
/** Nobody dies here, and nobody is to be taken for dead. */
const LEASE_MS = 30_000;
const LASTS_MS = rounds(6000, 120_000);

/** While the group shares out anew, what runs stays where it is until it is done. So nothing at all has to run twice. */
describe.concurrent('workers that come and go under load', () => {
  it(
    `as processes that start and are told to stop, for ${LASTS_MS / 1000} s, run every job once`,
    {
      timeout: 90_000 + 2 * LASTS_MS,
    },
    async () => {
      await using scene = await createScene({
        service: { ...(await ownPlace()), leaseDuration: LEASE_MS },
        concurrency: 5,
        prefetch: 5,
      });
      const { ledger } = scene;
      const workers = [scene.startWorker(), scene.startWorker()];
      await Promise.all(workers.map(worker => scene.ready(worker)));
      let changes = 0;
      for (const end = performance.now() + LASTS_MS; performance.now() < end; changes++) {
        await scene.addTasks(150, n => ({ ms: 5 + (n % 50) }));
        const moment = ledger.finished().length + 40;
        await vi.waitFor(() => expect(ledger.finished().length).toBeGreaterThan(moment), {
          timeout: 30_000,
          interval: 10,
        });
        if (changes % 2 === 0) {
          const comes = scene.startWorker();
          workers.push(comes);
          await scene.ready(comes);
        } else {
          const goes = workers.shift();
          goes?.terminate();
          expect(await goes?.exit).toEqual({ code: 0, signal: null });
        }
      }
      expect(await scene.allFinished({ within: 60_000 }), 'jobs that were finished twice').toBe(0);
      expect(ledger.entries('lost')).toEqual([]);
      expect(ledger.started()).toHaveLength(scene.added.length);
      console.log(`${changes} workers came or went: ${scene.added.length} jobs, none run twice, none lost`);
    },
  );

  it('by pause and resume run every job once', { timeout: 120_000 }, async () => {
    await using crew = await createCrew({ brokers });
    const workers = await Promise.all([1, 2, 3].map(() => crew.hire({ leaseDuration: LEASE_MS })));
    const stop = crew.load({ ms: 20 });
    for (let round = 0; round < rounds(6, 60); round++) {
      const worker = workers[round % 3]!;
      await crew.untilEnded(50);
      await worker.queue.pause();
      await crew.untilEnded(50);
      await worker.queue.resume();
    }
    await stop();
    expect(await crew.allEnded()).toEqual([]);
    expect(workers.flatMap(({ lost }) => lost)).toEqual([]);
  });

  it(
    'by a crowd that joins one that does it all get their part, and run every job once',
    {
      timeout: 120_000,
    },
    async () => {
      for (let round = 0; round < rounds(1, 10); round++) {
        await using crew = await createCrew({ brokers, settings: { partitions: 5 } });
        const workers = [await crew.hire({ concurrency: 20, leaseDuration: LEASE_MS })];
        const stop = crew.load({ ms: 200 }, { batch: 10 });
        await crew.untilEnded(50);
        workers.push(
          ...(await Promise.all([1, 2, 3, 4].map(() => crew.hire({ concurrency: 20, leaseDuration: LEASE_MS })))),
        );
        await vi.waitFor(() => expect(workers.filter(worker => worker.ran().length === 0)).toEqual([]), {
          timeout: 30_000,
          interval: 50,
        });
        await stop();
        expect(await crew.allEnded()).toEqual([]);
        expect(workers.flatMap(({ lost }) => lost)).toEqual([]);
      }
    },
  );
});
