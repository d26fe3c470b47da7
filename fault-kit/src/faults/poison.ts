import { expect, it, vi } from 'vitest';
import { createScene } from '../scene.ts';
import type { ServiceOptions } from '../worker-process.ts';

const MAX_ATTEMPTS = 4;

/** A job that ends its process every time, among 199 that do not. */
export function poison(options: () => ServiceOptions | Promise<ServiceOptions>): void {
  it(
    'does not let the poison of one queue kill the jobs of another in the same process',
    { timeout: 120_000 },
    async () => {
      const service = { ...(await options()), leaseDuration: 1000, maxAttempts: 3 };
      await using scene = await createScene({ service, concurrency: 1, sideQueue: true });
      const { ledger, queue } = scene;
      const [poisonous = ''] = await scene.addTasks(1, () => ({ ms: 0, kills: true }));
      const innocent = await scene.addToSideQueue({ ms: 1500 });
      const isOver = () => ledger.finished().some(({ id }) => id === innocent) && ledger.entries('dead').length > 0;
      for (let workers = 0; !isOver(); workers++) {
        expect(workers, 'workers that were needed').toBeLessThan(6);
        const worker = scene.startWorker();
        await Promise.race([worker.exit, vi.waitUntil(isOver, { timeout: 60_000, interval: 50 })]);
      }
      expect(ledger.entries('dead')).toMatchObject([{ id: poisonous, attempt: 3, error: 'JobCrashedError' }]);
      expect(await queue.getJobCount()).toBe(0);
    },
  );

  it.each([{ prefetch: 0 }, { prefetch: 20 }])(
    'buries the one job of 200 that ends its process every time, and no other, with prefetch $prefetch',
    { timeout: 180_000 },
    async ({ prefetch }) => {
      const service = { ...(await options()), leaseDuration: 1000, maxAttempts: MAX_ATTEMPTS };
      await using scene = await createScene({ service, concurrency: 50, prefetch });
      const { queue, ledger } = scene;
      const ids = await scene.addTasks(200, n => ({ ms: 50, kills: n === 30 }));
      const poisonous = ids[30] as string;

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
      await scene.allFinished({ within: 10_000, except: [poisonous] });
      await vi.waitFor(() =>
        expect(ledger.entries('dead')).toEqual([
          expect.objectContaining({ id: poisonous, attempt: MAX_ATTEMPTS, error: 'JobCrashedError' }),
        ]),
      );
      const attempts = ledger.started().flatMap(({ id, attempt }) => (id === poisonous ? [] : [attempt]));
      expect(Math.max(...attempts)).toBeLessThanOrEqual(3);
    },
  );
}

/** The same where the store cannot tell a crash from a failure: whoever runs alone harms nobody else. */
export function crowdlessPoison(options: () => ServiceOptions | Promise<ServiceOptions>): void {
  it(
    'buries the job that ends its process every time, and no other, where jobs run one by one',
    {
      timeout: 120_000,
    },
    async () => {
      const service = { ...(await options()), leaseDuration: 1000, maxAttempts: MAX_ATTEMPTS };
      await using scene = await createScene({ service, concurrency: 1 });
      const { queue, ledger } = scene;
      const ids = await scene.addTasks(20, n => ({ ms: 5, kills: n === 5 }));
      const poisonous = ids[5] as string;
      const done = vi.waitUntil(async () => (await queue.getJobCount()) === 0, { timeout: 90_000, interval: 100 });
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
      await scene.allFinished({ within: 10_000, except: [poisonous] });
      await vi.waitFor(() =>
        expect(ledger.entries('dead')).toEqual([
          expect.objectContaining({ id: poisonous, attempt: MAX_ATTEMPTS, error: 'JobCrashedError' }),
        ]),
      );
    },
  );
}

/** The same where the store does not count crashes: the job comes back as it was, until its handler can fail. */
export function uncountedPoison(options: () => ServiceOptions | Promise<ServiceOptions>, leastLeaseMs: number): void {
  it(
    'brings the job back that ends its process every time, uncounted, and buries it once it fails instead',
    { timeout: 120_000 },
    async () => {
      const service = { ...(await options()), leaseDuration: Math.max(1000, leastLeaseMs), maxAttempts: 1 };
      await using scene = await createScene({ service, concurrency: 1 });
      const { queue, ledger } = scene;
      const ids = await scene.addTasks(20, n => ({ ms: 5, kills: n === 5 }));
      const poisonous = ids[5] as string;
      for (const _ of [1, 2]) expect(await scene.startWorker().exit).toMatchObject({ code: 137 });
      const attempts = ledger.started().flatMap(({ id, attempt }) => (id === poisonous ? [attempt] : []));
      expect(attempts).toEqual([1, 1]);
      expect(ledger.entries('dead')).toEqual([]);

      // What an operator does, if nothing else: a handler that throws for this job.
      const dead: string[] = [];
      queue.on('dead', ({ id }) => void dead.push(id));
      queue.process(({ id, attempt }) => {
        if (id === poisonous) throw new Error('It has killed its workers');
        ledger.record('finished', { id, attempt });
        return Promise.resolve();
      });
      await scene.allFinished({ within: 60_000, except: [poisonous] });
      expect(dead).toEqual([poisonous]);
    },
  );
}
