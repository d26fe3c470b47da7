import { leaveGroupV4 } from '@platformatic/kafka';
import type { Delivery, StoreQueue } from '@switchyard/queue-api';
import { testServer } from '@switchyard/test-servers';
import type { Admin } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { Cluster } from '../src/kafka/cluster.ts';
import { commitOffsets } from '../src/group/group-offsets.ts';
import { committedOf, type GroupMember, membersOf } from './look.ts';
import { RequestLog } from './request-log.ts';
import { IN_TIME, newJob, openStore, otherClient, reserve, takeOne } from './open-store.ts';

const { url, address } = await testServer('kafka');
const SOON = { timeout: 15_000, interval: 50 };

let admin: Admin;
beforeAll(async () => {
  admin = otherClient(url).admin();
  await admin.connect();
});
afterAll(() => admin.disconnect());

type Scene = Awaited<ReturnType<typeof openStore>>;

/** A process, by the name of its client, with handlers that ask for jobs. */
async function open(clientId: string, like?: Scene, settings: Readonly<Record<string, unknown>> = {}): Promise<Scene> {
  return openStore({ ...(like && { name: like.name }), settings: { clientId, delaySteps: [100], ...settings } });
}

interface Asking {
  readonly got: Delivery[];
  stop(): Promise<void>;
}

/** Asks for jobs as long as the test runs, like an engine with free slots. What comes is settled by `decide`. */
function ask(queue: StoreQueue, decide: (delivery: Delivery) => unknown = () => {}): Asking {
  const got: Delivery[] = [];
  const ending = new AbortController();
  const asked = (async () => {
    while (!ending.signal.aborted) {
      const request = { max: 10, waitMs: 5000, leaseMs: 30_000, signal: ending.signal };
      for (const delivery of await queue.reserve(request)) {
        got.push(delivery);
        await decide(delivery);
      }
    }
  })();
  // A store that is closed ends it as well.
  const ended = asked.catch(() => {});
  const stop = () => {
    ending.abort();
    return ended;
  };
  onTestFinished(stop);
  return { got, stop };
}

const ack = (queue: StoreQueue) => (delivery: Delivery) =>
  queue.settle([{ kind: 'ack', receipt: delivery.receipt }], IN_TIME);

/** Who has which partitions, once that is so. */
async function untilShared(
  { topics }: Scene,
  isShared: (members: ReadonlyMap<string, GroupMember>) => boolean,
): Promise<Map<string, readonly string[]>> {
  const members = await vi.waitFor(async () => {
    const found = await membersOf(admin, topics.main);
    if (found === undefined || !isShared(found))
      throw new Error(`Not shared so: ${JSON.stringify([...(found ?? [])])}`);
    return found;
  }, SOON);
  return new Map([...members].map(([clientId, { partitions }]) => [clientId, partitions]));
}

const jobsOf = (member: GroupMember | undefined) =>
  member?.partitions.filter(partition => partition.startsWith('jobs/')).length ?? 0;

function isEven(counts: Readonly<Record<string, number>>) {
  return (members: ReadonlyMap<string, GroupMember>) =>
    members.size === Object.keys(counts).length &&
    Object.entries(counts).every(([clientId, count]) => jobsOf(members.get(clientId)) === count);
}

function fill({ queue }: Scene, count: number) {
  return queue.enqueue(
    Array.from({ length: count }, () => newJob()),
    IN_TIME,
  );
}

describe('a member that comes', () => {
  it('gets its part, and nothing else moves; what it had goes back when it leaves', async () => {
    await using a = await open('a', undefined, { partitions: 6 });
    ask(a.queue);
    await untilShared(a, isEven({ a: 6 }));
    await using b = await open('b', a);
    ask(b.queue);
    const two = await untilShared(a, isEven({ a: 3, b: 3 }));
    const c = await open('c', a);
    const asking = ask(c.queue);
    const three = await untilShared(a, isEven({ a: 2, b: 2, c: 2 }));
    for (const member of ['a', 'b']) {
      const kept = two.get(member)?.filter(partition => three.get(member)?.includes(partition)) ?? [];
      expect(kept.filter(partition => partition.startsWith('jobs/'))).toHaveLength(2);
    }
    await asking.stop();
    await c.store.close({ timeoutMs: 5000 });
    const again = await untilShared(a, isEven({ a: 3, b: 3 }));
    for (const member of ['a', 'b'])
      expect(again.get(member)).toEqual(expect.arrayContaining([...(three.get(member) ?? [])]));
  });

  it('gets a busy partition only when its jobs are done, none of which runs twice', async () => {
    await using a = await open('a');
    await fill(a, 20);
    const running: Delivery[] = [];
    while (running.length < 20) running.push(...(await reserve(a.queue, { max: 20 })));
    await using b = await open('b', a);
    const other = ask(b.queue, ack(b.queue));
    // One of the two is to move, and is nobody's until it is done.
    await untilShared(a, isEven({ a: 1, b: 0 }));
    const receipts = running.map(({ receipt }) => receipt);
    expect(await a.queue.extend(receipts, 30_000, IN_TIME)).toEqual(receipts.map(() => ({ ok: true })));
    expect(other.got).toEqual([]);
    const done = await a.queue.settle(
      receipts.map(receipt => ({ kind: 'ack', receipt })),
      IN_TIME,
    );
    expect(done).toEqual(receipts.map(() => ({ ok: true })));
    ask(a.queue, ack(a.queue));
    await untilShared(a, isEven({ a: 1, b: 1 }));
    await vi.waitFor(async () => expect(await b.queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 }), SOON);
    expect(other.got).toEqual([]);
    await fill(a, 10);
    await vi.waitFor(() => expect(other.got).toHaveLength(5), SOON);
  });

  it('does not get a partition whose job takes longer than leaseDuration, and what waits there goes on', async () => {
    await using a = await open('a');
    await fill(a, 20);
    const long: Delivery[] = [];
    while (long.length < 2) long.push(...(await reserve(a.queue, { leaseMs: 1000 })));
    const receipts = long.map(({ receipt }) => receipt);
    const renew = () => a.queue.extend(receipts, 10_000, IN_TIME);
    expect(await renew()).toEqual([{ ok: true }, { ok: true }]);
    await using b = await open('b', a);
    const other = ask(b.queue, ack(b.queue));
    await untilShared(a, isEven({ a: 1, b: 0 }));
    // The jobs behind both, without one that runs twice.
    const own = ask(a.queue, ack(a.queue));
    await vi.waitFor(() => expect(own.got).toHaveLength(18), SOON);
    expect(await renew()).toEqual([{ ok: true }, { ok: true }]);
    expect(other.got).toEqual([]);
    await Promise.all(long.map(ack(a.queue)));
    await untilShared(a, isEven({ a: 1, b: 1 }));
    expect(await b.queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0 });
  });

  it('is not handed out what the others have finished, however short ago that was', async () => {
    await using a = await open('a');
    const first = ask(a.queue, ack(a.queue));
    await untilShared(a, isEven({ a: 2 }));
    await using b = await open('b', a);
    await fill(a, 500);
    const second = ask(b.queue, ack(b.queue));
    await fill(a, 500);
    await untilShared(a, isEven({ a: 1, b: 1 }));
    await vi.waitFor(() => expect(first.got.length + second.got.length).toBeGreaterThanOrEqual(1000), SOON);
    const ids = [...first.got, ...second.got].map(delivery => (delivery.kind === 'job' ? delivery.id : ''));
    expect(ids).toHaveLength(1000);
    expect(new Set(ids).size).toBe(1000);
  });
});

describe('standing by', () => {
  it('gives all partitions to the others, and asking again gets them back', async () => {
    await using a = await open('a', undefined, { partitions: 4 });
    await using b = await open('b', a);
    const asking = ask(a.queue);
    ask(b.queue);
    await untilShared(a, isEven({ a: 2, b: 2 }));
    await asking.stop();
    await a.queue.standby?.();
    await untilShared(a, isEven({ b: 4 }));
    ask(a.queue);
    await untilShared(a, isEven({ a: 2, b: 2 }));
  });

  it('with a job that runs keeps the membership until it is done, and asking again before that keeps it on', async () => {
    await using a = await open('a');
    await fill(a, 1);
    const { receipt } = await takeOne(a.queue);
    await a.queue.standby?.();
    expect(await a.queue.extend([receipt], 30_000, IN_TIME)).toEqual([{ ok: true }]);
    await reserve(a.queue, { waitMs: 1 });
    expect(await a.queue.settle([{ kind: 'ack', receipt }], IN_TIME)).toEqual([{ ok: true }]);
    await fill(a, 1);
    const next = await takeOne(a.queue);
    await a.queue.standby?.();
    expect(await a.queue.settle([{ kind: 'ack', receipt: next.receipt }], IN_TIME)).toEqual([{ ok: true }]);
    await untilShared(a, ({ size }) => size === 0);
  });
});

describe('a partition that is busy', () => {
  it('when its worker stands by is for others as soon as it is not', async () => {
    await using a = await open('a', undefined, { partitions: 2 });
    await fill(a, 2);
    const running = [await takeOne(a.queue), await takeOne(a.queue)];
    await a.queue.standby?.();
    await using b = await open('b', a);
    const other = ask(b.queue, ack(b.queue));
    await untilShared(a, ({ size }) => size === 2);
    await a.queue.settle([{ kind: 'ack', receipt: running[0]!.receipt }], IN_TIME);
    await untilShared(a, isEven({ a: 1, b: 1 }));
    await fill(b, 10);
    await vi.waitFor(() => expect(other.got).toHaveLength(5), SOON);
    await a.queue.settle([{ kind: 'ack', receipt: running[1]!.receipt }], IN_TIME);
    await vi.waitFor(() => expect(other.got).toHaveLength(10), SOON);
  });

  it('when its worker has enough is for others as soon as it is not', async () => {
    await using a = await open('a', undefined, { partitions: 2 });
    await fill(a, 2);
    const running = [await takeOne(a.queue), await takeOne(a.queue)];
    await fill(a, 10);
    await using b = await open('b', a);
    const other = ask(b.queue, ack(b.queue));
    await untilShared(a, ({ size }) => size === 2);
    await a.queue.settle([{ kind: 'ack', receipt: running[0]!.receipt }], IN_TIME);
    await vi.waitFor(() => expect(other.got).toHaveLength(5), SOON);
    expect(await a.queue.settle([{ kind: 'ack', receipt: running[1]!.receipt }], IN_TIME)).toEqual([{ ok: true }]);
  });
});

describe('a member whose handlers are all busy', () => {
  it('gives partitions with jobs that wait to one that waits for jobs, and keeps what is busy', async () => {
    await using a = await open('a', undefined, { partitions: 4 });
    await fill(a, 40);
    const { id, receipt } = await takeOne(a.queue);
    await using b = await open('b', a);
    const other = ask(b.queue, ack(b.queue));
    await untilShared(a, isEven({ a: 1, b: 3 }));
    await vi.waitFor(() => expect(other.got).toHaveLength(30), SOON);
    expect(other.got).not.toContainEqual(expect.objectContaining({ id }));
    expect(await a.queue.settle([{ kind: 'ack', receipt }], IN_TIME)).toEqual([{ ok: true }]);
    const own = ask(a.queue, ack(a.queue));
    await vi.waitFor(() => expect(other.got.length + own.got.length).toBe(39), SOON);
  });

  it('that nobody asks any more, and whose leases end, leaves', async () => {
    await using a = await open('a');
    await fill(a, 1);
    const { id, receipt } = await takeOne(a.queue, { leaseMs: 1000 });
    await untilShared(a, ({ size }) => size === 0);
    await using b = await open('b', a);
    expect(await takeOne(b.queue)).toMatchObject({ id, attempt: 1 });
    expect(await a.queue.settle([{ kind: 'ack', receipt }], IN_TIME)).toEqual([{ ok: false, code: 'lease-lost' }]);
  });
});

describe('a former generation', () => {
  /** Does what a broker does when a session is over, at once. */
  async function expel(scene: Scene, clientId: string): Promise<void> {
    const member = await vi.waitFor(async () => {
      const found = (await membersOf(admin, scene.topics.main))?.get(clientId);
      if (found === undefined) throw new Error(`${clientId} is no member`);
      return found;
    }, SOON);
    const cluster = clusterOf();
    const members = [{ memberId: member.memberId, groupInstanceId: null }];
    await cluster.ask('to leave', leaveGroupV4.api, [scene.topics.main, members], 5000);
  }

  function clusterOf(): Cluster {
    const cluster = new Cluster([address], { clientId: 'test', security: {}, connectTimeoutMs: 3000 });
    onTestFinished(() => cluster.close());
    return cluster;
  }

  it('of a worker that lost its place settles nothing, and commits nothing', async () => {
    await using a = await open('a', undefined, { partitions: 1 });
    await fill(a, 2);
    const [first, second] = await reserve(a.queue, { max: 2 });
    await expel(a, 'a');
    await using b = await open('b', a);
    const other = ask(b.queue);
    // Both run again, at whichever of the two has the partition now.
    await vi.waitFor(async () => {
      expect(await a.queue.extend([first?.receipt], 30_000, IN_TIME)).toEqual([{ ok: false, code: 'lease-lost' }]);
    }, SOON);
    expect(
      await a.queue.settle(
        [
          { kind: 'ack', receipt: first?.receipt },
          { kind: 'retry', receipt: second?.receipt, delayMs: 0, note: '' },
        ],
        IN_TIME,
      ),
    ).toEqual([
      { ok: false, code: 'lease-lost' },
      { ok: false, code: 'lease-lost' },
    ]);
    await a.queue.close({ timeoutMs: 5000 });
    await vi.waitFor(() => expect(other.got).toHaveLength(2), SOON);
    expect((await committedOf(admin, a.topics.main)).get(0) ?? -1).toBeLessThanOrEqual(0);
    await Promise.all(other.got.map(ack(b.queue)));
    await vi.waitFor(async () => expect((await committedOf(admin, a.topics.main)).get(0)).toBe(2), SOON);
  });

  it('settles nothing from the moment in which the group has said so', async () => {
    await using a = await open('a', undefined, { partitions: 1 });
    await fill(a, 1);
    const { receipt } = await takeOne(a.queue);
    using log = new RequestLog();
    // It joins again as soon as it knows.
    const settled = log.onNext('JoinGroup', () => a.queue.settle([{ kind: 'ack', receipt }], IN_TIME));
    await expel(a, 'a');
    expect(await settled).toEqual([{ ok: false, code: 'lease-lost' }]);
  });

  it('is refused by the broker', async () => {
    await using a = await open('a', undefined, { partitions: 1 });
    await fill(a, 1);
    await takeOne(a.queue);
    const { memberId = '' } = (await membersOf(admin, a.topics.main))?.get('a') ?? {};
    const groupId = a.topics.main;
    const cluster = clusterOf();
    const link = cluster.link(await cluster.coordinator(groupId, 5000), 'groups');
    const offset = { topic: groupId, partition: 0, offset: 1, epoch: -1, metadata: '' };
    const codes = async (id: string, generation: number) => [
      ...(await commitOffsets(link, { groupId, id, generation }, [offset], 5000)).values(),
    ];
    expect(await codes(memberId, 0)).toEqual(['ILLEGAL_GENERATION']);
    expect(await codes('somebody', 1)).toEqual(['UNKNOWN_MEMBER_ID']);
    expect((await committedOf(admin, groupId)).get(0)).toBe(-1);
  });
});
