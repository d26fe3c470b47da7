import { createScene, rounds } from '@switchyard/fault-kit';
import { ownServer, testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { createCrew } from './crew.ts';
import { ownPlace } from './place.ts';

await testServer('kafka');
const STEPS_MS = [100, 300, 1000, 3000, 10_000];
const JOBS = rounds(60, 600);
const LONGEST_MS = rounds(8000, 40_000);
const delayOf = (n: number) => 200 + Math.round((n / JOBS) * LONGEST_MS);

/** When a job moves on: at the end of each step, until it is due. */
function hopsOf(addedAt: number, delay: number): number[] {
  const hops: number[] = [];
  for (let left = delay; left > 0;) {
    const step = STEPS_MS.findLast(ms => ms <= left) ?? left;
    left -= step;
    hops.push(addedAt + delay - left);
  }
  return hops;
}

describe.concurrent('delayed jobs', () => {
  it('outlast restarts of their broker, and start not before their time', { timeout: 180_000 }, async () => {
    await using server = await ownServer('kafka');
    await using crew = await createCrew({ brokers: server.url });
    const workers = [await crew.hire(), await crew.hire()];
    const delays = new Map<string, number>();
    const jobs = Array.from({ length: JOBS }, (_, n) => ({ payload: { ms: 5 }, options: { delay: delayOf(n) } }));
    for (const [n, id] of (await crew.add(jobs)).entries()) delays.set(id, delayOf(n));
    for (let round = 0; round < rounds(2, 6); round++) {
      await crew.untilEnded(JOBS / 10);
      if (round % 2 === 0) await server.restart();
      else {
        await server.kill();
        await server.start();
      }
    }
    const twice = await crew.allEnded({ within: 60_000 + LONGEST_MS });
    const early = crew.runs.filter(({ id, startedAt }) => startedAt < crew.added.get(id)!.from + delays.get(id)!);
    expect(early).toEqual([]);
    // What was moved without the broker's answer getting through was moved again.
    expect(twice.length).toBeLessThan(JOBS);
    expect(workers.flatMap(({ lost }) => lost)).toEqual([]);
    console.log(
      `${crew.runs.length} runs of ${JOBS} delayed jobs across restarts, ${twice.length} run twice, none early`,
    );
  });

  it('outlast workers that are killed, and start not before their time', { timeout: 180_000 }, async () => {
    await using scene = await createScene({ service: await ownPlace(), concurrency: 5 });
    const { ledger } = scene;
    const workers = [scene.startWorker(), scene.startWorker()];
    await Promise.all(workers.map(worker => scene.ready(worker)));
    const from = Date.now();
    const jobs = Array.from({ length: JOBS }, (_, n) => ({ payload: { ms: 20 }, options: { delay: delayOf(n) } }));
    const ids = await scene.add(jobs);
    const to = Date.now();
    const kills: number[] = [];
    for (let round = 0; round < rounds(1, 4); round++) {
      const moment = ledger.finished().length + JOBS / 10;
      await vi.waitFor(() => expect(ledger.finished().length).toBeGreaterThan(moment), {
        timeout: 30_000,
        interval: 10,
      });
      await workers.shift()?.kill();
      kills.push(Date.now());
      workers.push(scene.startWorker());
    }
    const twice = await scene.allFinished({ within: 60_000 + LONGEST_MS });
    const delays = new Map(ids.map((id, n) => [id, delayOf(n)]));
    expect(ledger.started().filter(({ id, at }) => at < from + delays.get(id)!)).toEqual([]);
    // What ended or hopped just before a kill was not committed yet: a hop is stored in its new place first.
    const isExplained = (id: string, at: number) =>
      kills.some(kill => {
        const isAround = (time: number) => time > kill - 2000 && time < kill + 500;
        return isAround(at) || hopsOf(from, delays.get(id)!).some(hop => isAround(hop) || isAround(hop + to - from));
      });
    expect(ledger.finishedAgain().filter(({ id, at }) => !isExplained(id, at))).toEqual([]);
    console.log(`${JOBS} delayed jobs, ${kills.length} kills: ${twice} finished twice, none lost, none early`);
  });
});
