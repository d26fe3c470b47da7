import { getEventListeners } from 'node:events';
import { memoryUsage } from 'node:process';
import { queryObjects } from 'node:v8';
import type { Settlement } from '@switchyard/queue-api';
import { expect, it } from 'vitest';
import { Fifo } from '../src/fifo.ts';
import { Lease } from '../src/lease.ts';
import { StoredJob } from '../src/stored-job.ts';
import { openTestQueue } from './test-queue.ts';

const LEASE_MS = 30_000;

class Item {
  readonly kept = true;
}

/** The store's objects that are alive; counting them collects all garbage first. */
function alive(): { jobs: number; leases: number } {
  return {
    jobs: queryObjects(StoredJob, { format: 'count' }),
    leases: queryObjects(Lease, { format: 'count' }),
  };
}

function megabytesInUse(): number {
  alive();
  return memoryUsage().heapUsed / 2 ** 20;
}

it('200,000 jobs, retried, released, extended and finished within one lease, leave nothing behind', async () => {
  const queue = await openTestQueue({ maxCount: 100 });
  const round = async (number: number) => {
    await queue.add(...Array.from({ length: 500 }, () => ({ headers: { round: `${number}` }, delayMs: number % 3 })));
    queue.clock.advance(2);
    for (const [n, { receipt }] of (await queue.take(500, LEASE_MS)).entries()) {
      const settlements: Settlement[] = [
        { kind: 'ack', receipt },
        { kind: 'dead', receipt, note: 'dead' },
        { kind: 'retry', receipt, delayMs: 1, note: 'failed' },
        { kind: 'release', receipt },
      ];
      await queue.settle(settlements[n % 4]!);
    }
    queue.clock.advance(1);
    const rest = await queue.take(500, LEASE_MS);
    for (let renewal = 1; renewal <= 3; renewal++) await queue.extend(LEASE_MS * renewal, ...rest);
    await queue.ack(...rest);
  };

  for (let warmUp = 0; warmUp < 20; warmUp++) await round(warmUp);
  expect(alive()).toEqual({ jobs: 0, leases: 0 });
  const before = megabytesInUse();
  for (let number = 0; number < 400; number++) await round(number);
  expect(await queue.counts()).toEqual({ waiting: 0, delayed: 0, active: 0, dead: 100 });
  expect(alive()).toEqual({ jobs: 0, leases: 0 });
  // Where only the id of every job stayed behind it would be more than 15.
  expect(megabytesInUse() - before).toBeLessThan(8);
});

it('a lease that is extended 100,000 times stays one lease, also while another worker waits', async () => {
  const queue = await openTestQueue();
  await queue.add({});
  const job = await queue.takeOne(LEASE_MS);
  const abort = new AbortController();
  const waiting = queue.reserve({ waitMs: Infinity, signal: abort.signal });
  for (let renewal = 0; renewal < 100_000; renewal++) {
    queue.clock.advance(10_000);
    await queue.extend(LEASE_MS, job);
  }
  expect(queryObjects(Lease, { format: 'count' })).toBe(1);
  expect(queue.clock.timers).toBe(2);
  abort.abort();
  expect(await waiting).toEqual([]);
  expect(await queue.ack(job)).toEqual([{ ok: true }]);
});

it('10,000 reserves that waited with one signal leave nothing behind', async () => {
  const queue = await openTestQueue();
  const { signal } = new AbortController();
  for (let number = 0; number < 10_000; number++) {
    const answer = queue.reserve({ waitMs: 100, signal });
    await queue.add({});
    await queue.ack(...(await answer));
  }
  expect(alive()).toEqual({ jobs: 0, leases: 0 });
  expect(getEventListeners(signal, 'abort')).toEqual([]);
  expect(queue.clock.timers).toBe(0);
});

it('a queue whose length never changes does not grow', () => {
  const fifo = new Fifo<Item>();
  for (let number = 0; number < 100; number++) fifo.push(new Item());
  const before = megabytesInUse();
  for (let number = 0; number < 4_000_000; number++) {
    fifo.push(new Item());
    fifo.shift();
  }
  expect(queryObjects(Item, { format: 'count' })).toBe(100);
  // One forgotten place for each would be 30.
  expect(megabytesInUse() - before).toBeLessThan(8);
  expect(fifo.size).toBe(100);
});
