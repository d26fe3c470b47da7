import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { workHere } from '../local-work.ts';
import { rounds } from '../rounds.ts';
import { random } from '../scene.ts';
import type { ServerUnderTest } from '../server-under-test.ts';
import { expectNothingUnhandled } from '../unhandled.ts';

const RECOVERY_MS = 15_000;

/** The server ends, in good order or not, and comes back with its data. */
export function describeServerFaults(store: ServerUnderTest): void {
  const restarts = rounds(3, 10);

  it(
    `loses no job and goes on by itself when the server restarts under load, ${restarts} times`,
    { timeout: 120_000 + restarts * 30_000 },
    async () => {
      expectNothingUnhandled();
      await using server = await store.launch();
      const options = { ...store.options(server.url), leaseDuration: 2000, addTimeout: 20_000 };
      const name = `work-${randomUUID()}`;
      await using worker = await workHere(options, name);
      await using other = await workHere(options, name);
      const { queue } = worker;
      const added: string[] = [];
      const stop = new AbortController();
      const producer = (async () => {
        while (!stop.signal.aborted) {
          added.push(await queue.add({ n: added.length }));
          if (added.length % 10 === 0) await new Promise(resolve => void setTimeout(resolve, 10));
        }
      })();
      for (let round = 0; round < restarts; round++) {
        const seen = added.length + 100 + random(200);
        await vi.waitFor(() => expect(added.length).toBeGreaterThan(seen), { timeout: 30_000, interval: 10 });
        if (round % 2 === 0) await server.restart();
        else {
          await server.kill();
          await server.start();
        }
        const before = added.length;
        await vi.waitFor(() => expect(added.length).toBeGreaterThan(before + 10), {
          timeout: RECOVERY_MS,
          interval: 50,
        });
      }
      stop.abort();
      await producer;
      await vi.waitFor(async () => expect(await queue.getJobCount()).toBe(0), { timeout: 60_000, interval: 100 });
      const ran = [...worker.runs, ...other.runs].map(({ id }) => id);
      // What was added without the answer getting through may be there besides.
      for (const id of added) expect(ran).toContain(id);
      console.log(`${restarts} restarts: ${added.length} jobs, ${ran.length - new Set(ran).size} run twice, none lost`);
      await vi.waitFor(() => expect(worker.service.health().healthy).toBe(true), { timeout: RECOVERY_MS });
      expect(worker.logged.slice(20 + 10 * restarts), 'lines logged beyond ten a restart').toEqual([]);
    },
  );

  it('wakes a worker that was idle while the server restarted', { timeout: 120_000 }, async () => {
    expectNothingUnhandled();
    await using server = await store.launch();
    const options = { ...store.options(server.url), addTimeout: 20_000 };
    await using worker = await workHere(options, `work-${randomUUID()}`);
    await worker.queue.add({});
    await vi.waitFor(() => expect(worker.completed).toHaveLength(1), { timeout: 10_000 });
    await server.kill();
    await server.start();
    const id = await worker.queue.add({});
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
  });

  it(
    'refuses jobs in bounded time while the server is down, and takes them again afterwards',
    { timeout: 120_000 },
    async () => {
      expectNothingUnhandled();
      await using server = await store.launch();
      const options = { ...store.options(server.url), addTimeout: 500 };
      await using worker = await workHere(options, `work-${randomUUID()}`);
      // The first one may take longer than the others may.
      await vi.waitFor(() => worker.queue.add({}), { timeout: RECOVERY_MS });
      await server.stop();
      const results = await Promise.allSettled(Array.from({ length: 100 }, () => worker.queue.add({})));
      for (const result of results) {
        expect(result).toMatchObject({
          status: 'rejected',
          reason: { code: 'unavailable', outcome: expect.stringMatching(/not-stored|unknown/) },
        });
      }
      await expect(worker.queue.getJobCount()).rejects.toMatchObject({ code: 'unavailable' });
      await vi.waitFor(() => expect(worker.service.health().healthy).toBe(false), { timeout: 10_000 });
      await server.start();
      await vi.waitFor(() => worker.queue.add({}), { timeout: RECOVERY_MS });
      await vi.waitFor(() => expect(worker.service.health().healthy).toBe(true), { timeout: RECOVERY_MS });
    },
  );

  it('starts while the server is down, and works once it is there', { timeout: 120_000 }, async () => {
    expectNothingUnhandled();
    await using server = await store.launch();
    await server.stop();
    await using worker = await workHere(store.options(server.url), `work-${randomUUID()}`);
    expect(worker.service.health().healthy).toBe(false);
    await server.start();
    const id = await vi.waitFor(() => worker.queue.add({}), { timeout: RECOVERY_MS });
    await vi.waitFor(() => expect(worker.completed).toContain(id), { timeout: RECOVERY_MS });
  });

  it('disconnects in bounded time while the server is down', { timeout: 120_000 }, async () => {
    expectNothingUnhandled();
    await using server = await store.launch();
    const options = { ...store.options(server.url), shutdownTimeout: 500 };
    await using worker = await workHere(options, `work-${randomUUID()}`, { takesMs: 60_000 });
    await worker.queue.add({});
    await vi.waitFor(() => expect(worker.runs).toHaveLength(1), { timeout: 10_000 });
    await server.stop();
    const begin = performance.now();
    await worker.queue.disconnect();
    expect(performance.now() - begin).toBeLessThan(20_000);
  });
}
