import { createScene, rounds } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { optionsFor } from './place.ts';

const { url: brokers } = await testServer('kafka');
const soon = { timeout: 30_000, interval: 10 };

describe.concurrent('a worker that stands still for longer than its session', () => {
  const times = rounds(1, 10);

  it(
    `loses what it has, says too late that it was done, and works again, ${times} times`,
    {
      timeout: 60_000 + times * 60_000,
    },
    async () => {
      const service = optionsFor(brokers, { partitions: 2 });
      await using scene = await createScene({ service, concurrency: 5 });
      const { ledger } = scene;
      const workers = [scene.startWorker(), scene.startWorker()];
      await Promise.all(workers.map(worker => scene.ready(worker)));
      const mayRunAgain = new Set<string>();
      let count = 0;
      for (let round = 0; round < times; round++) {
        const sleeper = workers[round % 2]!;
        const isItsOwn = ({ pid }: { pid: number }) => pid === sleeper.pid;
        await scene.addTasks(100, () => ({ ms: 300 }));
        await vi.waitFor(() => expect(ledger.unfinished().filter(isItsOwn).length).toBeGreaterThan(2), soon);
        process.kill(sleeper.pid!, 'SIGSTOP');
        const interrupted = ledger.unfinished().filter(isItsOwn);
        expect(interrupted.length).toBeGreaterThan(0);
        // And what had finished a moment ago was not committed yet.
        const justFinished = ledger.finished().filter(run => isItsOwn(run) && run.at > Date.now() - 1000);
        for (const { id } of [...interrupted, ...justFinished]) mayRunAgain.add(id);
        // All of it is done by the other.
        const done = () => new Set(ledger.finished().flatMap(run => (isItsOwn(run) ? [] : [run.id])));
        await vi.waitFor(() => expect(interrupted.filter(({ id }) => !done().has(id))).toEqual([]), soon);
        process.kill(sleeper.pid!, 'SIGCONT');
        // Its handlers go on as if nothing had happened, and it learns that nobody waits for them.
        const lost = () => ledger.entries('lost').filter(isItsOwn);
        const isLost = (run: { id: string }) => lost().some(({ id }) => id === run.id);
        await vi.waitFor(() => expect(interrupted.filter(run => !isLost(run))).toEqual([]), soon);
        count += interrupted.length;
        const runs = ledger.started().filter(isItsOwn).length;
        await vi.waitFor(async () => {
          await scene.addTasks(4, () => ({ ms: 10 }));
          expect(ledger.started().filter(isItsOwn).length).toBeGreaterThan(runs);
        }, soon);
      }
      const twice = await scene.allFinished({ within: 60_000 });
      expect(ledger.finishedAgain().filter(({ id }) => !mayRunAgain.has(id))).toEqual([]);
      expect(new Set(ledger.entries('completed').map(({ id }) => id))).toEqual(new Set(scene.added));
      console.log(`${times} times asleep: ${count} jobs interrupted, ${twice} finished twice, none lost`);
    },
  );

  it('commits nothing when it wakes up', { timeout: 90_000 }, async () => {
    const service = optionsFor(brokers, { partitions: 1 });
    await using scene = await createScene({ service, concurrency: 1 });
    const { ledger } = scene;
    const workers = [scene.startWorker(), scene.startWorker()];
    await Promise.all(workers.map(worker => scene.ready(worker)));
    const [id = ''] = await scene.addTasks(1, () => ({ ms: 5000 }));
    const startedBy = (pid: number | undefined) => ledger.started().filter(run => run.pid === pid);
    await vi.waitFor(() => expect(ledger.started()).toHaveLength(1), soon);
    const sleeper = workers.find(({ pid }) => pid === ledger.started()[0]?.pid)!;
    const heir = workers.find(worker => worker !== sleeper)!;
    process.kill(sleeper.pid!, 'SIGSTOP');
    await vi.waitFor(() => expect(startedBy(heir.pid)).toMatchObject([{ id, attempt: 1 }]), soon);
    process.kill(sleeper.pid!, 'SIGCONT');
    await vi.waitFor(() => {
      expect(ledger.entries('lost')).toContainEqual(expect.objectContaining({ id, pid: sleeper.pid }));
    }, soon);
    // Had that counted as done, nobody would run the job now.
    await heir.kill();
    await sleeper.kill();
    const last = scene.startWorker();
    await scene.allFinished({ within: 30_000 });
    expect(startedBy(last.pid)).toMatchObject([{ id, attempt: 1 }]);
  });
});
