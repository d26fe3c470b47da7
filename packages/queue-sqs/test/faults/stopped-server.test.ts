import { setTimeout as elapse } from 'node:timers/promises';
import { rounds } from '@switchyard/fault-kit';
import { ownServer } from '@switchyard/test-servers';
import { expect, it, vi } from 'vitest';
import { troubledQueue } from './troubled-service.ts';

const CONCURRENCY = 5;
const DOWN_MS = rounds(3000, 30_000);

it(
  `a server that is away for ${DOWN_MS / 1000} s and comes back with its messages has lost none`,
  { timeout: 150_000 },
  async () => {
    await using server = await ownServer('sqs', { persistence: true });
    await using scene = await troubledQueue(server.url);
    await scene.add(200);
    scene.process(CONCURRENCY, 20);
    await vi.waitFor(() => expect(scene.ran.length).toBeGreaterThan(20), { timeout: 20_000, interval: 10 });
    await server.kill();
    const before = scene.ran.length;
    expect(before).toBeLessThan(200);
    await elapse(DOWN_MS);
    await server.start();
    const twice = await scene.allRan();
    // What was running when it went away, and what had just finished and was being acknowledged; nothing else.
    expect(twice).toBeLessThanOrEqual(2 * CONCURRENCY);
  },
);
