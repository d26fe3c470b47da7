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
    // Before any lease ends: an acknowledgement that is repeated until then counts as one that was lost on its way back.
    const acknowledged = new Set(scene.completed);
    const before = scene.ran.length;
    expect(before).toBeLessThan(200);
    await elapse(DOWN_MS);
    // What was running when it went away, or had finished and was not acknowledged yet.
    const interrupted = scene.ran.filter(id => !acknowledged.has(id));
    expect(interrupted.length).toBeLessThanOrEqual(2 * CONCURRENCY);
    await server.start();
    const twice = await scene.allRan();
    expect(twice).toBeLessThanOrEqual(interrupted.length);
    const again = scene.ran.filter((id, index) => scene.ran.indexOf(id) !== index);
    expect(interrupted).toEqual(expect.arrayContaining(again));
  },
);
