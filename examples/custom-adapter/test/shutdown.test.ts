import { expect, it, vi } from 'vitest';
import { createScene } from './scene.ts';

it('finishes the running job at SIGTERM, leaves the others alone and ends by itself', { timeout: 60_000 }, async () => {
  await using scene = await createScene({ concurrency: 1, prefetch: 2 });
  const { queue, ledger } = scene;
  const [running, ...waiting] = await queue.addBulk(Array.from({ length: 4 }, () => ({ payload: { ms: 1_000 } })));
  const worker = scene.startWorker();
  await vi.waitFor(() => expect(ledger.started()).toHaveLength(1), { timeout: 30_000, interval: 10 });
  worker.terminate();
  expect(await worker.exit).toEqual({ code: 0, signal: null });
  expect(ledger.finished()).toEqual([{ event: 'finished', id: running, attempt: 1, pid: worker.pid }]);
  expect(await queue.getJobCount()).toBe(waiting.length);

  scene.startWorker();
  await vi.waitFor(async () => expect(await queue.getJobCount()).toBe(0), { timeout: 30_000, interval: 50 });
  // What was leased ahead came back at once and has used no attempt.
  expect(ledger.finished().map(({ id, attempt }) => ({ id, attempt }))).toEqual(
    [running, ...waiting].map(id => ({ id, attempt: 1 })),
  );
});
