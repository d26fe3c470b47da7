import { testServer } from '@switchyard/test-servers';
import { describe, expect, it, vi } from 'vitest';
import { newRecord } from '../src/job-record.ts';
import type { FetchedPartition } from '../src/kafka/raw-apis.ts';
import { writeRecordBatch } from '../src/kafka/record-batch-writer.ts';
import { Ledger } from '../src/log/ledger.ts';
import { PartitionReader } from '../src/log/partition-reader.ts';
import { asJob, IN_TIME, newJob, openStore, reserve } from './open-store.ts';
import { RequestLog } from './request-log.ts';

await testServer('kafka');

const KIB = 1024;
const SOON = { timeout: 20_000, interval: 20 };

type Scene = Awaited<ReturnType<typeof openStore>>;

const jobs = (count: number) => Array.from({ length: count }, () => newJob());

const ack = ({ queue }: Scene, those: readonly { readonly receipt: unknown }[]) =>
  queue.settle(
    those.map(({ receipt }) => ({ kind: 'ack', receipt })),
    IN_TIME,
  );

describe('a partition', () => {
  /** One fetch with so many records of a kilobyte. */
  function fetched(count: number, from: number): FetchedPartition {
    const record = newRecord(newJob({ body: JSON.stringify('x'.repeat(KIB)) }));
    const records = writeRecordBatch(
      Array.from({ length: count }, () => record),
      0,
    );
    records.writeBigInt64BE(BigInt(from), 0);
    const nothing = {
      topicId: '',
      partition: 0,
      errorCode: 0,
      highWatermark: 0,
      lastStableOffset: 0,
      logStartOffset: 0,
    };
    return { ...nothing, abortedTransactions: [], records };
  }

  function reader(limit: number, roomy = () => {}): PartitionReader {
    const place = { topic: 'jobs', topicId: 'id', partition: 0, restMs: 0 };
    return new PartitionReader(
      place,
      { ledger: new Ledger('id', limit, 0), lastEpoch: -1 },
      { changed() {}, roomy, outOfRange() {} },
    );
  }

  it('is not fetched while it has enough, and again when it has not', () => {
    const full = reader(20_000);
    expect(full.wantsMore).toBe(true);
    let next = 0;
    while (full.wantsMore) {
      full.accept(fetched(100, next));
      next += 100;
    }
    expect(next).toBeLessThanOrEqual(600);
    let taken = 0;
    while (!full.wantsMore) {
      expect(full.take()?.offset).toBe(taken++);
    }
    // Long before it is empty.
    expect(taken).toBeLessThanOrEqual(200);
  });

  it('says that it has room, also to whoever only looks at what comes next', () => {
    let said = 0;
    const full = reader(20_000, () => said++);
    for (let next = 0; full.wantsMore; next += 100) full.accept(fetched(100, next));
    for (let offset = 0; offset < 100; offset++) full.take();
    expect([full.wantsMore, said]).toEqual([false, 0]);
    expect(full.peek()?.offset).toBe(100);
    expect([full.wantsMore, said]).toEqual([true, 1]);
  });

  it('that waits for a job that hangs hands out nothing, and is not fetched without end', () => {
    const held = reader(10);
    for (let next = 0; held.wantsMore; next += 100) held.accept(fetched(100, next));
    for (let offset = 0; offset < 10; offset++) expect(held.take()?.offset).toBe(offset);
    expect([held.take(), held.isHeldUp, held.wantsMore]).toEqual([undefined, true, false]);
    for (let offset = 1; offset < 10; offset++) held.ledger.finish(offset);
    expect(held.take()).toBeUndefined();
    held.ledger.finish(0);
    expect([held.isHeldUp, held.take()?.offset]).toEqual([false, 10]);
  });
});

it('200 000 jobs that wait do not come into memory for one that is worked on, and come when it is their turn', async () => {
  const count = 200_000;
  const run = 20_000;
  await using adding = await openStore();
  await Promise.all(
    [0, 1, 2, 3].map(async () => {
      for (let added = 0; added < count / 4; added += 1000) await adding.queue.enqueue(jobs(1000), IN_TIME);
    }),
  );
  await using working = await openStore({ name: adding.name });
  using log = new RequestLog();
  const [first] = (await reserve(working.queue)).map(asJob);
  await vi.waitFor(() => expect(log.since(0)['Heartbeat']).toBeGreaterThanOrEqual(2), SOON);
  const atRest = log.bytesReadFor('Fetch');
  console.log(`${count} jobs wait, and ${Math.round(atRest / KIB)} KiB of them are here`);
  expect(atRest).toBeLessThan(4 * KIB * KIB);
  await ack(working, [first!]);
  const ids = new Set([first?.id]);
  let done = 1;
  while (done < run) {
    const taken = (await reserve(working.queue, { max: 1000 })).map(asJob);
    if (taken.length === 0) throw new Error(`${done} jobs came`);
    for (const { id } of taken) ids.add(id);
    done += taken.length;
    await ack(working, taken);
  }
  expect(ids.size).toBe(done);
  expect(await working.queue.counts()).toEqual({ waiting: count - done, delayed: 0, active: 0 });
});

describe('maxUncommitted', () => {
  it('is how far a partition gets ahead of a job that hangs; others go on, and so does it once that is over', async () => {
    await using scene = await openStore({ settings: { maxUncommitted: 10, partitions: 2 } });
    await scene.queue.enqueue(jobs(100), IN_TIME);
    const [hanging] = (await reserve(scene.queue)).map(asJob);
    let done = 0;
    for (;;) {
      const taken = (await reserve(scene.queue, { max: 10, waitMs: 500 })).map(asJob);
      if (taken.length === 0) break;
      done += taken.length;
      await ack(scene, taken);
    }
    // All of the other partition, and what the hanging one may be ahead.
    expect(done).toBe(50 + 9);
    expect(scene.reports).toContainEqual(
      expect.objectContaining({
        code: 'partition-held-up',
        message: expect.stringMatching(/9 behind it are finished/),
      }),
    );
    await ack(scene, [hanging!]);
    for (let left = 40; left > 0;) {
      const taken = (await reserve(scene.queue, { max: 10 })).map(asJob);
      left -= taken.length;
      await ack(scene, taken);
    }
    expect(await scene.queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });

  it('of one makes a partition do one job after the other', async () => {
    await using scene = await openStore({ settings: { maxUncommitted: 1, partitions: 1 } });
    const added = jobs(3);
    await scene.queue.enqueue(added, IN_TIME);
    for (const { id } of added) {
      const taken = (await reserve(scene.queue, { max: 10 })).map(asJob);
      expect(taken.map(job => job.id)).toEqual([id]);
      await ack(scene, taken);
    }
  });
});
