import { createScene, rounds } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { createCrew } from './crew.ts';
import { optionsFor } from './place.ts';

const { url: brokers } = await testServer('kafka');
const HANGS_MS = rounds(5000, 60_000);
const OTHERS = rounds(2000, 10_000);
const timeout = 120_000 + 4 * HANGS_MS;

describe.concurrent('a job that hangs', () => {
  /** A worker with one partition, a job that hangs, and others that finish behind it. */
  async function hanging() {
    const service = optionsFor(brokers, { partitions: 1, maxUncommitted: 20_000 });
    const scene = await createScene({ service, concurrency: 50 });
    const worker = scene.startWorker();
    await scene.ready(worker);
    const [hangs = ''] = await scene.addTasks(1, () => ({ ms: HANGS_MS }));
    await vi.waitFor(() => expect(scene.ledger.started()).toHaveLength(1), { timeout: 20_000, interval: 10 });
    await scene.addTasks(OTHERS, () => ({ ms: 5 }));
    return { scene, worker, hangs };
  }

  it(`runs again alone after a kill, for all ${OTHERS} behind it are known to be finished`, { timeout }, async () => {
    const { scene: hung, worker, hangs } = await hanging();
    await using scene = hung;
    const { ledger, queue } = scene;
    // The commit says so, and that is all that anybody else can see.
    await vi.waitFor(async () => expect(await queue.getJobCount()).toBe(1), { timeout: 60_000, interval: 20 });
    expect(ledger.unfinished().map(({ id }) => id)).toEqual([hangs]);
    await worker.kill();
    scene.startWorker();
    expect(await scene.allFinished({ within: 30_000 + HANGS_MS })).toBe(0);
    const runs = ledger.started().map(({ id }) => id);
    expect(runs.filter(id => id === hangs)).toHaveLength(2);
    expect(runs).toHaveLength(OTHERS + 2);
  });

  it('has only that run again beside it which had finished in the last moment before a kill', { timeout }, async () => {
    const { scene: hung, worker } = await hanging();
    await using scene = hung;
    const { ledger, queue } = scene;
    const half = () => expect(ledger.finished().length).toBeGreaterThan(OTHERS / 2);
    await vi.waitFor(half, { timeout: 60_000, interval: 5 });
    const longFinished = new Set(ledger.finished().map(({ id }) => id));
    const { length: all } = scene.added;
    const committed = async () => expect(await queue.getJobCount()).toBeLessThanOrEqual(all - longFinished.size);
    await vi.waitFor(committed, { timeout: 20_000, interval: 5 });
    await worker.kill();
    const justFinished = ledger.finished().filter(({ id }) => !longFinished.has(id));
    const running = ledger.unfinished();
    scene.startWorker();
    const twice = await scene.allFinished({ within: 30_000 + HANGS_MS });
    expect(ledger.finishedAgain().filter(({ id }) => longFinished.has(id))).toEqual([]);
    console.log(
      `killed with ${longFinished.size + justFinished.length} of ${all} finished: ${running.length} were running, ${twice} of the last ${justFinished.length} run twice`,
    );
  });

  it(
    'holds its partition up at maxUncommitted, says so, and lets it go on when it ends',
    { timeout: 60_000 },
    async () => {
      const end = Promise.withResolvers<void>();
      await using crew = await createCrew({
        brokers,
        settings: { partitions: 1, maxUncommitted: 100 },
        work: task => (task['hangs'] === true ? end.promise : Promise.resolve()),
      });
      const worker = await crew.hire({ concurrency: 20 });
      const [hangs] = await crew.addTasks(1, { ms: 0, hangs: true });
      await crew.addTasks(500, { ms: 0 });
      const warnings = () => worker.logged.filter(({ code }) => code === 'kafka-partition-held-up');
      await vi.waitFor(() => expect(warnings()).toHaveLength(1), { timeout: 20_000, interval: 10 });
      await vi.waitFor(() => expect(worker.completed).toHaveLength(99), { timeout: 5000, interval: 10 });
      expect(warnings()[0]?.message).toContain('maxUncommitted');
      // Nothing more begins, whoever asks.
      const fresh = await crew.addTasks(20, { ms: 0 });
      await vi.waitFor(async () => expect(await crew.count()).toBe(1 + 500 - 99 + fresh.length), { timeout: 10_000 });
      expect(crew.runs).toHaveLength(100);
      end.resolve();
      expect(await crew.allEnded()).toEqual([]);
      expect(crew.runs.find(({ id }) => id === hangs)?.endedAt).toBeDefined();
    },
  );
});
