import { expect, it, vi } from 'vitest';
import { rounds } from '../rounds.ts';
import { createScene, random } from '../scene.ts';
import type { ServiceOptions } from '../worker-process.ts';

const CONCURRENCY = 5;

/** kill -9 of one of three workers, in the middle of its work. */
export function killedWorkers(
  options: () => ServiceOptions | Promise<ServiceOptions>,
  countsCrashes: boolean,
  leastLeaseMs: number,
): void {
  const kills = rounds(3, 50);

  it(`loses no job when workers are killed, ${kills} times`, { timeout: 90_000 + kills * 15_000 }, async () => {
    const service = { ...(await options()), leaseDuration: Math.max(1000, leastLeaseMs), maxAttempts: 20 };
    await using scene = await createScene({ service, concurrency: CONCURRENCY });
    const { ledger } = scene;
    const workers = [scene.startWorker(), scene.startWorker(), scene.startWorker()];
    const interrupted = [];
    const killed = new Set<number | undefined>();
    for (let kill = 0; kill < kills; kill++) {
      await scene.addTasks(40, () => ({ ms: 20 + random(200) }));
      const moment = ledger.finished().length + random(20);
      const victim = await vi.waitFor(
        () => {
          expect(ledger.finished().length).toBeGreaterThanOrEqual(moment);
          const running = ledger.unfinished().findLast(({ pid }) => workers.some(worker => worker.pid === pid));
          expect(running).toBeDefined();
          return workers.find(({ pid }) => pid === running?.pid)!;
        },
        { timeout: 30_000, interval: 10 },
      );
      await victim.kill();
      killed.add(victim.pid);
      interrupted.push(...ledger.unfinished().filter(({ pid }) => pid === victim.pid));
      workers.splice(workers.indexOf(victim), 1, scene.startWorker());
    }
    const twice = await scene.allFinished({ within: 80_000 });

    for (const { id, attempt } of interrupted) {
      const last = ledger.finished().findLast(run => run.id === id);
      const least = countsCrashes ? attempt + 1 : attempt;
      expect(last?.attempt, `the attempt that finished job ${id}`).toBeGreaterThanOrEqual(least);
    }
    console.log(
      `${kills} kills: ${scene.added.length} jobs, ${interrupted.length} interrupted, ${twice} finished twice, none lost`,
    );
    // A worker that dies between the end of a handler and its acknowledgement has its job run twice.
    expect(twice).toBeLessThanOrEqual(kills * CONCURRENCY);
    // And one that stood still for too long, which it was told.
    const lost = new Set(ledger.entries('lost').map(({ id }) => id));
    const unexplained = ledger.finishedAgain().filter(({ id, pid }) => !killed.has(pid) && !lost.has(id));
    expect(unexplained, 'runs that were repeated although their worker lived').toEqual([]);
  });
}
