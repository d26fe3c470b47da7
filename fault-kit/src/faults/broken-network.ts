import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { workHere } from '../local-work.ts';
import { rounds } from '../rounds.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { expectNothingUnhandled } from '../unhandled.ts';

const RECOVERY_MS = 20_000;

/** Connections that end, networks that swallow everything, replies that get lost. */
export function describeNetworkFaults(store: ServerUnderTest): void {
  async function stage(options: { addTimeout?: number; takesMs?: number; concurrency?: number } = {}) {
    expectNothingUnhandled();
    const server = await testServer(store.server);
    const proxy = await server.proxy();
    const { addTimeout = 10_000, ...work } = options;
    const name = `work-${randomUUID()}`;
    const place = store.options(server.url);
    const worker = await workHere(
      { ...place, ...moved(place, server.url, proxy.url), leaseDuration: 2000, addTimeout },
      name,
      work,
    );
    // It adds past the proxy.
    const producer = await workHere({ ...place, process: false }, name);
    return {
      worker,
      proxy,
      producer,
      ran: (id: string) => worker.runs.filter(run => run.id === id).length,
      async [Symbol.asyncDispose]() {
        await proxy.heal();
        await worker.service.close();
        await producer.service.close();
        await proxy.close();
      },
    };
  }

  it('goes on when the connections of a busy and of an idle worker are cut', { timeout: 90_000 }, async () => {
    await using scene = await stage();
    const { worker, proxy, producer } = scene;
    for (let round = 0; round < rounds(3, 20); round++) {
      const ids = await producer.queue.addBulk(Array.from({ length: 50 }, () => ({ payload: {} })));
      proxy.cut();
      await vi.waitFor(() => expect(worker.runs.map(({ id }) => id)).toEqual(expect.arrayContaining(ids)), {
        timeout: RECOVERY_MS,
      });
      await vi.waitFor(async () => expect(await producer.queue.getJobCount()).toBe(0), { timeout: RECOVERY_MS });
      proxy.cut();
      const id = await producer.queue.add({});
      await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
    }
  });

  it.skipIf(store.killConnections === undefined)(
    'goes on when the server ends every connection',
    { timeout: 120_000 },
    async () => {
      expectNothingUnhandled();
      await using server = await store.launch();
      await using worker = await workHere(
        { ...store.options(server.url), leaseDuration: 2000 },
        `work-${randomUUID()}`,
      );
      for (let round = 0; round < rounds(3, 20); round++) {
        const ids = await worker.queue.addBulk(Array.from({ length: 50 }, () => ({ payload: {} })));
        await store.killConnections?.(server.url);
        const late = await worker.queue.add({});
        await vi.waitFor(
          () => expect(worker.runs.map(({ id }) => id)).toEqual(expect.arrayContaining([...ids, late])),
          {
            timeout: RECOVERY_MS,
          },
        );
        await vi.waitFor(async () => expect(await worker.queue.getJobCount()).toBe(0), { timeout: RECOVERY_MS });
      }
    },
  );

  const holeMs = rounds(5000, 60_000);
  it(`heals after ${holeMs / 1000} s in a black hole`, { timeout: 120_000 + holeMs }, async () => {
    await using scene = await stage({ addTimeout: 1500, takesMs: 50 });
    const { worker, proxy, producer } = scene;
    // From now on it has all that it needs to send a job, and cannot know whether that arrives.
    await worker.queue.add({});
    const before = await producer.queue.addBulk(Array.from({ length: 100 }, () => ({ payload: {} })));
    await vi.waitFor(() => expect(worker.completed.length).toBeGreaterThan(10), { timeout: 10_000 });
    proxy.blackHole();
    const end = performance.now() + holeMs;
    const begin = performance.now();
    await expect(worker.queue.add({})).rejects.toMatchObject({ code: 'unavailable', outcome: 'unknown' });
    expect(performance.now() - begin, 'ms until add gave up').toBeLessThan(1500 + 2000);
    await vi.waitFor(() => expect(worker.service.health().healthy).toBe(false), { timeout: holeMs + 15_000 });
    await new Promise(resolve => void setTimeout(resolve, end - performance.now()));
    await proxy.heal();

    await vi.waitFor(() => expect(worker.runs.map(({ id }) => id)).toEqual(expect.arrayContaining(before)), {
      timeout: RECOVERY_MS,
    });
    const id = await vi.waitFor(() => worker.queue.add({}), { timeout: RECOVERY_MS });
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
    await vi.waitFor(() => expect(worker.service.health().healthy).toBe(true), { timeout: RECOVERY_MS });
    await vi.waitFor(async () => expect(await producer.queue.getJobCount()).toBe(0), { timeout: RECOVERY_MS });
    expect(worker.logged.slice(20), 'lines logged beyond twenty').toEqual([]);
  });

  it('wakes a worker that was idle in a black hole', { timeout: 120_000 }, async () => {
    await using scene = await stage();
    const { worker, proxy, producer } = scene;
    await producer.queue.add({});
    await vi.waitFor(() => expect(worker.completed).toHaveLength(1), { timeout: 10_000 });
    proxy.blackHole();
    const id = await producer.queue.add({});
    await new Promise(resolve => void setTimeout(resolve, 3000));
    // What was under way is lost with its connection, as it is when a gateway forgets it.
    proxy.cut();
    await proxy.heal();
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: 40_000 });
  });

  const { knowsIds = true } = store;
  const stored = knowsIds ? 'stores a job once' : 'stores a job, maybe twice,';
  it(`${stored} although the reply to add was lost`, { timeout: 60_000 }, async () => {
    await using scene = await stage();
    const { worker, proxy, producer } = scene;
    await worker.queue.add({});
    await vi.waitFor(() => expect(worker.completed).toHaveLength(1), { timeout: 10_000 });
    await worker.queue.pause();
    const dropped = proxy.dropNextReply(store.requests.add);
    const id = await worker.queue.add({});
    await dropped;
    const most = knowsIds ? 1 : 2;
    await vi.waitFor(
      async () => {
        const count = await producer.queue.getJobCount();
        expect(count).toBeGreaterThan(0);
        expect(count).toBeLessThanOrEqual(most);
      },
      { timeout: 10_000 },
    );
    await worker.queue.resume();
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
    await vi.waitFor(async () => expect(await producer.queue.getJobCount()).toBe(0), { timeout: RECOVERY_MS });
    expect(scene.ran(id)).toBeLessThanOrEqual(most);
  });

  it('runs a job whose reply to reserve was lost, once its lease has ended', { timeout: 60_000 }, async () => {
    await using scene = await stage();
    const { worker, proxy, producer } = scene;
    const warm = await producer.queue.addBulk(Array.from({ length: 20 }, () => ({ payload: {} })));
    await vi.waitFor(() => expect(worker.completed).toHaveLength(warm.length), { timeout: 10_000 });
    await vi.waitFor(async () => expect(await producer.queue.getJobCount()).toBe(0), { timeout: 10_000 });
    const dropped = proxy.dropNextReply(store.requests.reserve);
    const id = await producer.queue.add({});
    await dropped;
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
    expect(scene.ran(id)).toBe(1);
  });

  it('takes a job for done although the reply to its acknowledgement was lost', { timeout: 60_000 }, async () => {
    await using scene = await stage({ concurrency: 1, takesMs: 300 });
    const { worker, proxy, producer } = scene;
    const warm = await producer.queue.addBulk([{ payload: {} }, { payload: {} }]);
    await vi.waitFor(() => expect(worker.completed).toHaveLength(warm.length), { timeout: 10_000 });
    const id = await producer.queue.add({});
    await vi.waitFor(() => expect(scene.ran(id)).toBe(1), { timeout: 10_000, interval: 5 });
    await proxy.dropNextReply(store.requests.settle);
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
    await vi.waitFor(async () => expect(await producer.queue.getJobCount()).toBe(0), { timeout: 10_000 });
    expect(scene.ran(id)).toBe(1);
  });
}

/** The same options, with one URL in place of another wherever it stands. */
function moved(options: object, from: string, to: string): object {
  return JSON.parse(JSON.stringify(options).replaceAll(from, to)) as object;
}
