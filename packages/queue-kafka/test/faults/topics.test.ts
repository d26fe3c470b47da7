import { testServer } from '@switchyard/test-servers';
import type { Admin } from 'kafkajs';
import { describe, expect, it, vi } from 'vitest';
import { otherClient } from '../open-store.ts';
import { createCrew } from './crew.ts';

const { url: brokers } = await testServer('kafka');
const soon = { timeout: 60_000, interval: 50 };

/** Somebody who administers Kafka, and does not ask us before. */
async function administrator(): Promise<Admin & AsyncDisposable> {
  const admin = otherClient(brokers).admin();
  await admin.connect();
  return Object.assign(admin, { [Symbol.asyncDispose]: () => admin.disconnect() });
}

async function removeBelow(admin: Admin, topic: string, offset: number): Promise<void> {
  // It removes nothing of topics that it has not been asked about before.
  await admin.fetchTopicOffsets(topic);
  await admin.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset: String(offset) }] });
}

const codesOf = ({ logged }: { logged: readonly { code: string | undefined }[] }) => logged.map(({ code }) => code);

describe.concurrent('somebody else', () => {
  it(
    'deletes the topics of a queue while workers run: they are made again, and what is added after that runs',
    {
      timeout: 120_000,
    },
    async () => {
      await using admin = await administrator();
      await using crew = await createCrew({ brokers, settings: { partitions: 3 } });
      const workers = [await crew.hire(), await crew.hire()];
      const { main, delay } = crew.topics;
      for (const topics of [[main], [delay], [main, delay]]) {
        await crew.addTasks(30);
        expect(await crew.allEnded()).toEqual([]);
        const { topics: before } = await admin.fetchTopicMetadata({ topics: [main] });
        expect(before[0]?.partitions).toHaveLength(3);
        await admin.deleteTopics({ topics });
        await crew.addTasks(30);
        await crew.add([{ payload: { ms: 5 }, options: { delay: 300 } }]);
        expect(await crew.allEnded()).toEqual([]);
      }
      for (const worker of workers) {
        await vi.waitFor(async () => {
          const runs = worker.ran().length;
          await crew.addTasks(6);
          await vi.waitFor(() => expect(worker.ran().length).toBeGreaterThan(runs), { timeout: 1000 });
        }, soon);
        await vi.waitFor(() => expect(worker.service.health().healthy).toBe(true), soon);
      }
      expect(await crew.allEnded()).toEqual([]);
    },
  );

  it(
    'adds partitions under load: jobs in them run, by workers that were there before',
    { timeout: 120_000 },
    async () => {
      await using admin = await administrator();
      await using crew = await createCrew({ brokers, settings: { partitions: 1 } });
      const workers = [await crew.hire(), await crew.hire()];
      const stop = crew.load({ ms: 20 }, { batch: 2 });
      await crew.untilEnded(50);
      await admin.createPartitions({ topicPartitions: [{ topic: crew.topics.main, count: 4 }] });
      await stop();
      // Who adds learns of them within a minute; this one knows at once.
      await crew.newProducer();
      const stopAgain = crew.load({ ms: 20 }, { batch: 2 });
      const [ends] = await vi.waitFor(async () => {
        const offsets = await admin.fetchTopicOffsets(crew.topics.main);
        expect(offsets.filter(({ high }) => Number(high) > 0)).toHaveLength(4);
        return offsets;
      }, soon);
      expect(ends).toBeDefined();
      // Before there was one for the two of them.
      await vi.waitFor(() => expect(workers.filter(worker => worker.ran().length === 0)).toEqual([]), soon);
      await stopAgain();
      expect(await crew.allEnded()).toEqual([]);
      expect(workers.flatMap(({ lost }) => lost)).toEqual([]);
    },
  );

  it(
    'removes records that a running worker has not read yet: it says so, and runs what is left',
    {
      timeout: 90_000,
    },
    async () => {
      await using admin = await administrator();
      const begin = Promise.withResolvers<void>();
      await using crew = await createCrew({
        brokers,
        settings: { partitions: 1 },
        work: task => (task['waits'] === true ? begin.promise : Promise.resolve()),
      });
      const worker = await crew.hire({ concurrency: 1 });
      // Something is committed before.
      await crew.addTasks(1);
      await crew.allEnded();
      // More than a worker holds in memory.
      const padding = 'x'.repeat(10_000);
      const ids: string[] = [];
      for (let batch = 0; batch < 8; batch++) ids.push(...(await crew.addTasks(50, { ms: 0, waits: true, padding })));
      await vi.waitFor(() => expect(crew.runs).toHaveLength(2), soon);
      await removeBelow(admin, crew.topics.main, 351);
      begin.resolve();
      const removed = ids.slice(0, 350);
      expect(await crew.allEnded({ except: removed })).toEqual([]);
      expect(codesOf(worker)).toContain('kafka-log-cut');
      await crew.addTasks(10);
      expect(await crew.allEnded({ except: removed })).toEqual([]);
    },
  );

  it('removes records while no worker runs: the next runs what is left', { timeout: 90_000 }, async () => {
    await using admin = await administrator();
    await using crew = await createCrew({ brokers, settings: { partitions: 1 } });
    await crew.hire().then(async worker => {
      await crew.addTasks(20);
      await crew.allEnded();
      await worker.leave();
    });
    const ids = await crew.addTasks(80);
    await removeBelow(admin, crew.topics.main, 60);
    const worker = await crew.hire();
    expect(await crew.allEnded({ except: ids.slice(0, 40) })).toEqual([]);
    expect(crew.runs).toHaveLength(20 + 40);
    expect(codesOf(worker)).toContain('kafka-log-cut');
  });

  it(
    'sets the offset of the group behind the end of the log: it is read from its start',
    { timeout: 90_000 },
    async () => {
      await using admin = await administrator();
      await using crew = await createCrew({ brokers, settings: { partitions: 1 } });
      await crew.hire().then(async worker => {
        await crew.addTasks(20);
        await crew.allEnded();
        await worker.leave();
      });
      const { main } = crew.topics;
      await admin.setOffsets({ groupId: main, topic: main, partitions: [{ partition: 0, offset: '1000' }] });
      const fresh = await crew.addTasks(20);
      const worker = await crew.hire();
      const twice = await crew.allEnded();
      expect(codesOf(worker)).toContain('kafka-log-cut');
      // All that the log still has.
      expect(twice.filter(id => fresh.includes(id))).toEqual([]);
      expect(twice).toHaveLength(20);
    },
  );
});
