import { expect, it, vi } from 'vitest';
import { rounds } from '../rounds.ts';
import { createScene, random } from '../scene.ts';
import type { ServiceOptions } from '../worker-process.ts';

/** SIGTERM, as at every deployment. `freeRelease`: what is handed back has not used an attempt. */
export function terminatedWorkers(options: () => ServiceOptions | Promise<ServiceOptions>, freeRelease: boolean): void {
  const deployments = rounds(3, 20);

  it(
    `runs every job exactly once through ${deployments} deployments under load`,
    { timeout: 60_000 + deployments * 15_000 },
    async () => {
      // Leases end late: were a job to come back by its lease and not by the worker's own hand, the test would last.
      // And where every return counts, none is buried for having been handed back.
      const service = { ...(await options()), leaseDuration: 60_000, maxAttempts: deployments + 1 };
      await using scene = await createScene({ service, concurrency: 10, prefetch: 5 });
      const { ledger } = scene;
      let worker = scene.startWorker();
      scene.startWorker();
      for (let round = 0; round < deployments; round++) {
        await scene.addTasks(200, () => ({ ms: 5 + random(50) }));
        const moment = ledger.finished().length + 20 + random(50);
        await vi.waitFor(() => expect(ledger.finished().length).toBeGreaterThanOrEqual(moment), {
          timeout: 30_000,
          interval: 5,
        });
        const old = worker;
        await scene.ready(old);
        worker = scene.startWorker();
        old.terminate();
        expect(await old.exit).toEqual({ code: 0, signal: null });
      }
      expect(await scene.allFinished({ within: 50_000 }), 'jobs that were finished twice').toBe(0);
      expect(ledger.started()).toHaveLength(scene.added.length);
    },
  );

  const counted = freeRelease ? 'uncounted' : 'counted once';
  it(`hands back at once what outlasts the shutdown, ${counted}`, { timeout: 60_000 }, async () => {
    const service = { ...(await options()), leaseDuration: 60_000, shutdownTimeout: 500 };
    await using scene = await createScene({ service, concurrency: 2 });
    const { ledger } = scene;
    const worker = scene.startWorker();
    await scene.addTasks(2, () => ({ ms: 3_000 }));
    await vi.waitFor(() => expect(ledger.started()).toHaveLength(2), { timeout: 20_000, interval: 10 });
    worker.terminate();
    await worker.exit;
    scene.startWorker();
    await scene.allFinished({ within: 20_000 });
    const attempt = freeRelease ? 1 : 2;
    expect(ledger.finished().map(run => run.attempt)).toEqual([attempt, attempt]);
  });
}
