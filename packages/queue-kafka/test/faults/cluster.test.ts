import { rounds } from '@switchyard/fault-kit';
import { testKafkaCluster } from '@switchyard/test-servers';
import { setTimeout as elapse } from 'node:timers/promises';
import { afterAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { otherClient } from '../open-store.ts';
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

describe('a part of a cluster that takes nothing', () => {
  /** Adds jobs one by one for a while. Answers with how long each took, in ms, once all are stored. */
  async function addFor(ms: number, crew: Crew): Promise<number[]> {
    const took: Promise<number>[] = [];
    for (const end = performance.now() + ms; performance.now() < end; await elapse(20)) {
      const from = performance.now();
      took.push(crew.addTasks(1, { ms: 0 }).then(() => performance.now() - from));
    }
    return Promise.all(took);
  }
  const PROMPT_MS = 3000;

  it('holds up what it may have, and nothing else: a leader that is silent', { timeout: 120_000 }, async () => {
    await using crew = await createCrew({ brokers: cluster.url, settings: REPLICATED });
    await crew.hire(HIRED);
    const proxies = await cluster.proxies();
    try {
      await crew.newProducer(proxies.map(({ url }) => url).join());
      await addFor(500, crew);
      const leader = cluster.nodes.indexOf(await cluster.leader(crew.topics.main));
      proxies[leader]!.blackHole();
      const adding = addFor(10_000, crew);
      await elapse(15_000);
      await proxies[leader]!.heal();
      const took = await adding;
      const late = took.filter(ms => ms > PROMPT_MS).length;
      console.log(`${took.length} jobs were added beside a silent leader, ${late} of them had to wait for it`);
      expect(late).toBeLessThan(took.length / 5);
      const twice = await crew.allEnded({ within: 60_000 });
      expect(twice.filter(id => !crew.doubtful.has(id))).toEqual([]);
    } finally {
      await Promise.all(proxies.map(proxy => proxy.close()));
    }
  });

  it('holds up nothing: a partition with too few replicas', { timeout: 120_000 }, async () => {
    await using crew = await createCrew({ brokers: cluster.url, settings: REPLICATED });
    const admin = otherClient(cluster.url).admin();
    await admin.connect();
    onTestFinished(() => admin.disconnect());
    const { main: topic } = crew.topics;
    const places = [
      [1, 2],
      [2, 3],
      [3, 2],
    ];
    const partitionAssignment = places.map((replicas, partition) => ({ partition, replicas }));
    await admin.alterPartitionReassignments({ topics: [{ topic, partitionAssignment }] });
    const untilInSync = (expected: readonly (readonly number[])[]) =>
      vi.waitFor(
        async () => {
          const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
          const partitions = topics[0]!.partitions.toSorted((one, other) => one.partitionId - other.partitionId);
          expect(partitions.map(({ isr }) => isr.toSorted())).toEqual(expected.map(nodes => nodes.toSorted()));
        },
        { timeout: 30_000 },
      );
    await untilInSync(places);
    await crew.hire(HIRED);
    await addFor(500, crew);
    await cluster.nodes[0]!.kill();
    try {
      // What is stored before has to wait for it, whoever knows that it is gone.
      await untilInSync([[2], [2, 3], [3, 2]]);
      const took = await addFor(5000, crew);
      const late = took.filter(ms => ms > PROMPT_MS).length;
      console.log(`${took.length} jobs were added beside a partition with one replica, ${late} of them had to wait`);
      expect(late).toBeLessThan(took.length / 20);
    } finally {
      await cluster.nodes[0]!.start();
      await cluster.untilInSync();
    }
    const twice = await crew.allEnded({ within: 60_000 });
    expect(twice.filter(id => !crew.doubtful.has(id))).toEqual([]);
  });

  it('keeps nobody from reading the rest: a broker that alone has some partitions', { timeout: 120_000 }, async () => {
    await using crew = await createCrew({ brokers: cluster.url, settings: { replicationFactor: 1, partitions: 3 } });
    const former = await crew.hire(HIRED);
    await crew.addTasks(30);
    expect(await crew.allEnded()).toEqual([]);
    await former.leave();
    const alone = await cluster.leader(crew.topics.main);
    await alone.kill();
    try {
      await vi.waitFor(() => expect(cluster.leader(crew.topics.main)).rejects.toThrow('Nobody leads'), {
        timeout: 30_000,
      });
      // It comes while the broker is away.
      const worker = await crew.hire(HIRED);
      await crew.addTasks(30);
      await vi.waitFor(() => expect(worker.completed).toHaveLength(30), { timeout: 20_000 });
    } finally {
      await alone.start();
      await cluster.untilInSync();
    }
    await crew.addTasks(30);
    expect(await crew.allEnded({ within: 60_000 })).toEqual([]);
  });
});
