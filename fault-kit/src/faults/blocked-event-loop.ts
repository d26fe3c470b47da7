import { expect, it, vi } from 'vitest';
import { createScene } from '../scene.ts';
import type { ServiceOptions } from '../worker-process.ts';

const LEASE_MS = 2000;

/** A handler that lets nobody else have a turn, its own engine included. */
export function blockedEventLoop(
  options: () => ServiceOptions | Promise<ServiceOptions>,
  countsCrashes: boolean,
  leastLeaseMs: number,
): void {
  const leaseMs = Math.max(LEASE_MS, leastLeaseMs);

  it(
    'has the job of a blocked worker run elsewhere, and fences off the late acknowledgement',
    { timeout: 60_000 },
    async () => {
      const service = { ...(await options()), leaseDuration: leaseMs };
      await using scene = await createScene({ service, concurrency: 1 });
      const { ledger } = scene;
      const first = scene.startWorker();
      const [id] = await scene.addTasks(1, () => ({ ms: 2.25 * leaseMs, blocks: true }));
      await vi.waitFor(() => expect(ledger.started()).toHaveLength(1), { timeout: 20_000, interval: 10 });
      const second = scene.startWorker();

      await scene.allFinished({ within: 40_000 });
      await vi.waitFor(() => expect(ledger.entries('completed')).toHaveLength(1), { timeout: 5000 });
      const attempt = countsCrashes ? 2 : 1;
      expect(ledger.started()).toMatchObject([
        { id, attempt: 1, pid: first.pid },
        { id, attempt, pid: second.pid },
      ]);
      expect(ledger.entries('completed')).toMatchObject([{ id, attempt, pid: second.pid }]);
      expect(ledger.entries('lost')).toContainEqual(expect.objectContaining({ id, pid: first.pid }));
    },
  );
}
