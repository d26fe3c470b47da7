import { DatabaseSync } from 'node:sqlite';
import { expect, it, vi } from 'vitest';
import { createScene } from './scene.ts';

const MAX_ATTEMPTS = 4;

it.each([{ prefetch: 0 }, { prefetch: 20 }])(
  'buries the one job of 200 that ends its process every time, and no other, with prefetch $prefetch',
  { timeout: 180_000 },
  async ({ prefetch }) => {
    await using scene = await createScene({ concurrency: 50, prefetch, maxAttempts: MAX_ATTEMPTS });
    const { queue, ledger, path } = scene;
    const tasks = Array.from({ length: 200 }, (_, n) => ({ payload: { ms: 50, kills: n === 30 } }));
    const ids = await queue.addBulk(tasks);

    const done = vi.waitUntil(async () => (await queue.getJobCount()) === 0, { timeout: 150_000, interval: 100 });
    done.catch(() => {});
    const exits = [];
    for (let isDone = false; !isDone;) {
      const worker = scene.startWorker();
      const exit = await Promise.race([worker.exit, done.then(() => 'done' as const)]);
      isDone = exit === 'done';
      if (exit !== 'done') exits.push(exit.code);
      expect(exits.length, 'processes that the job has ended').toBeLessThanOrEqual(MAX_ATTEMPTS);
    }

    expect(exits).toEqual(Array(MAX_ATTEMPTS).fill(137));
    const poison = ids[30];
    expect(deadLetters(path)).toEqual([{ id: poison, attempts: MAX_ATTEMPTS, error: 'JobCrashedError' }]);
    expect(new Set(ledger.finished().map(({ id }) => id))).toEqual(new Set(ids.filter(id => id !== poison)));
    const attempts = ledger
      .started()
      .filter(({ id }) => id !== poison)
      .map(({ attempt }) => attempt);
    expect(Math.max(...attempts)).toBeLessThanOrEqual(3);
  },
);

function deadLetters(path: string) {
  const file = new DatabaseSync(path, { readOnly: true });
  const columns = `id, note ->> '$.attempts' AS attempts, note ->> '$.error.name' AS error`;
  const rows = file.prepare(`SELECT ${columns} FROM job WHERE state = 'dead'`).all();
  file.close();
  return rows.map(row => ({ ...row }));
}
