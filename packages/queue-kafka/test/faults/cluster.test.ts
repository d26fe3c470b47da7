import { rounds } from '@switchyard/fault-kit';
import { testKafkaCluster } from '@switchyard/test-servers';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { createCrew, type Crew } from './crew.ts';

const cluster = await testKafkaCluster();
afterAll(() => cluster.remove());

/** A session outlives the election of a coordinator. */
const HIRED = { concurrency: 10, leaseDuration: 10_000 };
const REPLICATED = { replicationFactor: 3, partitions: 3 };

/** Does something to the brokers while two workers work on a stream of jobs. */
async function underLoad(harm: (crew: Crew, round: number) => Promise<void>, times: number): Promise<void> {
  await using crew = await createCrew({ brokers: cluster.url, settings: REPLICATED });
  const workers = [await crew.hire(HIRED), await crew.hire(HIRED)];
  const stop = crew.load({ ms: 20 }, { batch: 10 });
  for (let round = 0; round < times; round++) {
    await crew.untilEnded(100);
    await harm(crew, round);
  }
  await stop();
  const twice = await crew.allEnded({ within: 60_000 });
  // Stored twice, because the answer to the first time was lost; or taken over by another, because a session was over.
  const lost = workers.flatMap(worker => worker.lost);
  expect(twice.filter(id => !crew.doubtful.has(id) && !lost.includes(id))).toEqual([]);
  await vi.waitFor(() => expect(workers.map(({ service }) => service.health().healthy)).toEqual([true, true]), {
    timeout: 20_000,
  });
  console.log(
    `${times} times: ${crew.added.size} jobs, ${twice.length} run twice (${crew.doubtful.size} maybe stored twice, ${lost.length} leases lost), none lost`,
  );
}

/** Jobs are added, run and finished without it; and with it again. */
async function killFor(node: { kill(): Promise<void>; start(): Promise<void> }, crew: Crew): Promise<void> {
  await node.kill();
  const count = crew.added.size;
  await vi.waitFor(() => expect(crew.added.size).toBeGreaterThan(count + 100), { timeout: 30_000 });
  await crew.untilEnded(100);
  await node.start();
  await cluster.untilInSync();
}

describe('a cluster of three brokers, with three copies of everything', () => {
  const kills = rounds(1, 10);
  it(
    `loses no job when the leader of jobs is killed, ${kills} times`,
    { timeout: 60_000 + kills * 60_000 },
    async () => {
      await underLoad(async (crew, round) => killFor(await cluster.leader(crew.topics.main, round % 3), crew), kills);
    },
  );

  it(
    `loses no job when the coordinator of the group is killed, ${kills} times`,
    {
      timeout: 60_000 + kills * 60_000,
    },
    async () => {
      await underLoad(async crew => killFor(await cluster.leader('__consumer_offsets'), crew), kills);
    },
  );

  const restarts = rounds(1, 5);
  it(
    `loses no job while its brokers are restarted one after the other, ${restarts} times`,
    {
      timeout: 60_000 + restarts * 120_000,
    },
    async () => {
      await underLoad(async () => {
        for (const node of cluster.nodes.slice(0, rounds(2, 3))) {
          await node.restart();
          await cluster.untilInSync();
        }
      }, restarts);
    },
  );
});
