import { setTimeout as elapse } from 'node:timers/promises';
import { rounds } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { createCrew, type Crew, type Hired } from './crew.ts';

const shared = await testServer('kafka');
const times = rounds(1, 10);
const timeout = 60_000 + times * 30_000;
const soon = { timeout: 30_000, interval: 10 };

type Drop = (request: string) => Promise<void>;

/** A worker that reaches Kafka through a proxy, and another that reaches it directly. */
async function stage() {
  const proxy = await shared.proxy();
  const crew = await createCrew({ brokers: shared.url, settings: { partitions: 4 } });
  return {
    proxy,
    crew,
    drop:
      (what: string): Drop =>
      request =>
        what === 'reply' ? proxy.dropNextReply(request) : proxy.dropNextRequest(request),
    async [Symbol.asyncDispose]() {
      await proxy.heal();
      await crew[Symbol.asyncDispose]();
      await proxy.close();
    },
  };
}

/** All is well again: each job has run, what ran twice may, and the worker behind the proxy works. */
async function healed(crew: Crew, harmed: Hired, what: string): Promise<void> {
  await vi.waitFor(async () => {
    const runs = harmed.ran().length;
    await crew.addTasks(8);
    await vi.waitFor(() => expect(harmed.ran().length).toBeGreaterThan(runs), { timeout: 1000, interval: 10 });
  }, soon);
  const twice = await crew.allEnded();
  expect(twice.filter(id => !harmed.lost.includes(id))).toEqual([]);
  await vi.waitFor(() => expect(harmed.service.health().healthy).toBe(true), soon);
  if (twice.length > 0)
    console.log(`${what}: ${twice.length} of ${crew.added.size} run twice, as their lease was lost`);
}

describe.concurrent.each(['request', 'reply'])('a connection that is cut before the %s', what => {
  it.each(['OffsetCommit', 'Fetch', 'Heartbeat'])(
    `${what} of %s has arrived loses nothing`,
    { timeout },
    async request => {
      await using scene = await stage();
      const { crew, proxy } = scene;
      const harmed = await crew.hire({ via: proxy.url });
      await crew.hire();
      const stop = crew.load({ ms: 20 });
      for (let round = 0; round < times; round++) {
        await crew.untilEnded(50);
        await scene.drop(what)(request);
        await crew.untilEnded(50);
      }
      await stop();
      await healed(crew, harmed, `${what} of ${request}`);
      expect(crew.twice()).toEqual([]);
    },
  );

  it.each(['Metadata', 'FindCoordinator', 'JoinGroup', 'SyncGroup', 'OffsetFetch', 'ListOffsets'])(
    `${what} of %s has arrived does not keep a worker from starting`,
    { timeout },
    async request => {
      await using scene = await stage();
      const { crew, proxy } = scene;
      await crew.addTasks(50);
      const dropped = scene.drop(what)(request);
      const harmed = await crew.hire({ via: proxy.url });
      await dropped;
      await healed(crew, harmed, `${what} of ${request}`);
      expect(crew.twice()).toEqual([]);
    },
  );

  it.each(['JoinGroup', 'SyncGroup'])(
    `${what} of %s has arrived loses nothing while the group shares out anew`,
    { timeout },
    async request => {
      await using scene = await stage();
      const { crew, proxy } = scene;
      const harmed = await crew.hire({ via: proxy.url });
      const stop = crew.load({ ms: 20 });
      for (let round = 0; round < times; round++) {
        await crew.untilEnded(50);
        const dropped = scene.drop(what)(request);
        const other = await crew.hire();
        await dropped;
        await crew.untilEnded(50);
        await other.leave();
      }
      await stop();
      await healed(crew, harmed, `${what} of ${request} in a rebalance`);
      // Whoever has not heard what its share is goes on with what it has had, if that is its own still.
      if (request === 'JoinGroup') expect(crew.twice()).toEqual([]);
    },
  );

  it(`${what} of LeaveGroup has arrived leaves its jobs to the others`, { timeout }, async () => {
    await using scene = await stage();
    const { crew, proxy } = scene;
    const other = await crew.hire();
    const stop = crew.load({ ms: 20 });
    for (let round = 0; round < times; round++) {
      const leaves = await crew.hire({ via: proxy.url });
      await vi.waitFor(() => expect(leaves.ran().length).toBeGreaterThan(20), soon);
      const dropped = scene.drop(what)('LeaveGroup');
      await leaves.leave();
      await dropped;
      await crew.untilEnded(50);
    }
    await stop();
    await healed(crew, other, `${what} of LeaveGroup`);
    expect(crew.twice()).toEqual([]);
  });
});

describe.concurrent('a connection that is cut while jobs are added', () => {
  it.each(['request', 'reply'])('before the %s has arrived stores them once', { timeout }, async what => {
    await using scene = await stage();
    const { proxy, crew } = scene;
    await crew.hire();
    await crew.newProducer(proxy.url);
    for (let round = 0; round < times; round++) {
      await crew.addTasks(50);
      const dropped = scene.drop(what)('Produce');
      await crew.addTasks(50);
      await dropped;
    }
    await crew.addTasks(50);
    // It is sent again, and a broker that has it already knows that by its number.
    expect(await crew.allEnded()).toEqual([]);
    expect([...crew.doubtful]).toEqual([]);
  });
});

it('an answer to JoinGroup that nobody hears makes nothing run twice', { timeout }, async () => {
  await using scene = await stage();
  const { proxy } = scene;
  // What is idle may go.
  await using crew = await createCrew({ brokers: shared.url, settings: { partitions: 6 }, work: async () => {} });
  const harmed = await crew.hire({ via: proxy.url, leaseDuration: 10_000 });
  await crew.hire();
  const stop = crew.load({ ms: 0 }, { batch: 6 });
  for (let round = 0; round < times; round++) {
    await crew.untilEnded(500);
    const swallowed = proxy.swallowNextReply('JoinGroup');
    const other = await crew.hire();
    await swallowed;
    await crew.untilEnded(500);
    await other.leave();
  }
  await stop();
  await healed(crew, harmed, 'an answer to JoinGroup that nobody hears');
  expect(crew.twice()).toEqual([]);
});

it(
  'a retry whose answers are lost for longer than anybody waits for them is stored once',
  { timeout: 90_000 },
  async () => {
    await using scene = await stage();
    const { proxy } = scene;
    const failed = new Set<string>();
    const silent = Promise.withResolvers<void>();
    await using failing = await createCrew({
      brokers: shared.url,
      settings: { partitions: 4 },
      work: async (_task, id) => {
        if (failed.has(id)) return;
        failed.add(id);
        await silent.promise;
        throw new Error('the first time');
      },
    });
    const worker = await failing.hire({ via: proxy.url, concurrency: 20 });
    await failing.addTasks(20);
    await vi.waitFor(() => expect(failing.runs).toHaveLength(20), soon);
    let lost = 0;
    const lose = async (): Promise<void> => {
      await proxy.dropNextReply('Produce');
      lost += 1;
      return lose();
    };
    for (let at = 0; at < 20; at++) void lose();
    silent.resolve();
    // Longer than a settlement may take.
    await elapse(25_000);
    expect(lost).toBeGreaterThan(5);
    await proxy.heal();
    await vi.waitFor(() => expect(worker.completed).toHaveLength(20), soon);
    // Whatever was stored a second time would run now.
    await elapse(3000);
    console.log(`${failing.runs.length} runs were made of 20 jobs that failed once`);
    expect(failing.runs).toHaveLength(40);
  },
);

it('retries of a worker that was cut off are not stored once others have its jobs', { timeout: 90_000 }, async () => {
  await using scene = await stage();
  const { proxy } = scene;
  const failed = new Set<string>();
  const silent = Promise.withResolvers<void>();
  await using crew = await createCrew({
    brokers: shared.url,
    settings: { partitions: 2 },
    work: async (_task, id) => {
      if (failed.has(id)) return;
      failed.add(id);
      await silent.promise;
      throw new Error('the first time');
    },
  });
  await crew.hire({ via: proxy.url, concurrency: 20 });
  await crew.addTasks(20);
  await vi.waitFor(() => expect(failed.size).toBe(20), soon);
  proxy.blackHole();
  silent.resolve();
  const other = await crew.hire({ concurrency: 20 });
  await vi.waitFor(() => expect(other.completed).toHaveLength(20), soon);
  proxy.cut();
  await proxy.heal();
  // Whatever it stores now would run.
  await elapse(5000);
  expect(crew.runs).toHaveLength(40);
});
