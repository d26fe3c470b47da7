import { expect, it, vi } from 'vitest';
import { createScene } from './scene.ts';

/** How often a worker is killed. */
const ROUNDS = Number(process.env['SWITCHYARD_ROUNDS'] ?? 3);
const CONCURRENCY = 5;

it('loses no job when workers are killed in the middle of one', { timeout: 60_000 + ROUNDS * 30_000 }, async () => {
  await using scene = await createScene({ concurrency: CONCURRENCY, maxAttempts: 20 });
  const { queue, ledger } = scene;
  const workers = [scene.startWorker(), scene.startWorker()];
  const added: string[] = [];
  const interrupted = [];

  for (let round = 0; round < ROUNDS; round++) {
    const tasks = Array.from({ length: 40 }, () => ({ payload: { ms: 20 + random(200) } }));
    added.push(...(await queue.addBulk(tasks)));
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
    interrupted.push(...ledger.unfinished().filter(({ pid }) => pid === victim.pid));
    workers.splice(workers.indexOf(victim), 1, scene.startWorker());
  }
  await vi.waitFor(async () => expect(await queue.getJobCount()).toBe(0), { timeout: 50_000, interval: 100 });

  const finished = ledger.finished();
  expect(new Set(finished.map(({ id }) => id))).toEqual(new Set(added));
  for (const { id, attempt } of interrupted) {
    const last = finished.findLast(run => run.id === id);
    expect(last?.attempt, `the attempt that finished job ${id}`).toBeGreaterThan(attempt);
  }
  // A worker that dies between the end of a handler and its acknowledgement has its job run twice.
  const twice = finished.length - added.length;
  console.log(`${ROUNDS} kills: ${added.length} jobs, ${interrupted.length} interrupted, ${twice} finished twice`);
  expect(twice).toBeLessThanOrEqual(ROUNDS * CONCURRENCY);
});

it('lets several processes open a new file at the same moment', { timeout: 60_000 }, async () => {
  await using scene = await createScene();
  const workers = Array.from({ length: 4 }, () => scene.startWorker());
  const ids = await scene.queue.addBulk(Array.from({ length: 40 }, () => ({ payload: { ms: 50 } })));
  await vi.waitFor(async () => expect(await scene.queue.getJobCount()).toBe(0), { timeout: 50_000, interval: 50 });
  expect(
    scene.ledger
      .finished()
      .map(({ id }) => id)
      .toSorted(),
  ).toEqual(ids.toSorted());
  for (const worker of workers) worker.terminate();
  for (const worker of workers) expect(await worker.exit).toEqual({ code: 0, signal: null });
});

function random(below: number): number {
  return Math.floor(Math.random() * below);
}
