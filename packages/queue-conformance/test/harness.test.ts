import type { QueueName, StoreQueue } from '@switchyard/queue-api';
import { runConformance } from '@switchyard/queue-conformance';
import { memoryAdapter } from '@switchyard/queue-memory';
import { expect, test } from 'vitest';
import { breakStore } from './broken/break-store.ts';

/** The store in memory, and the names of the queues that were opened in it. */
function watched() {
  const opened: QueueName[] = [];
  const adapter = breakStore(memoryAdapter, {
    queue: (_, name) => {
      opened.push(name);
      return {};
    },
  });
  return { adapter, opened };
}

test('queues are named by the harness, also where a case appends to the name', async () => {
  const { adapter, opened } = watched();
  let count = 0;
  const uniqueName = () => `harness-${++count}`;
  const { passed } = await runConformance({ adapter, uniqueName }, { only: ['names', 'processing/in-bulk'] });
  expect(passed).toBe(true);
  expect(opened.length).toBeGreaterThan(10);
  for (const { plugin, name } of opened) expect(`${plugin}/${name}`).toMatch(/harness-\d+/);
});

test('names that the kit makes are valid, and never the same twice', async () => {
  const { adapter, opened } = watched();
  const harness = { adapter };
  await runConformance(harness, { only: ['leases/hold', 'names'] });
  await runConformance(harness, { only: ['leases/hold', 'names'] });
  const names = opened.map(({ plugin, name }) => `${plugin}/${name}`);
  expect(names).toEqual([...new Set(names)]);
  for (const { name } of opened) expect(name).toMatch(/^[A-Za-z0-9._-]{1,64}$/);
});

test('every queue of a store-level case is warmed up before the case sees it', async () => {
  const { adapter, opened } = watched();
  const warm: StoreQueue[] = [];
  const warmUp = async (queue: StoreQueue) => {
    warm.push(queue);
  };
  await runConformance({ adapter, warmUp }, { only: ['names/case'] });
  expect(warm.length).toBe(opened.length);
});

test('the configuration can be a function, and is asked for with every connection', async () => {
  let asked = 0;
  const config = async () => {
    asked++;
    return {};
  };
  const { passed } = await runConformance(
    { adapter: memoryAdapter, config },
    { only: ['leases/hold', 'closing/again'] },
  );
  expect(passed).toBe(true);
  // One to read the capabilities, one for each case.
  expect(asked).toBe(3);
});

test('the load can be scaled down', async () => {
  let most = 0;
  const adapter = breakStore(memoryAdapter, {
    queue: inner => {
      let added = 0;
      return {
        enqueue: (jobs, options) => {
          added += jobs.length;
          most = Math.max(most, added);
          return inner.enqueue(jobs, options);
        },
      };
    },
  });
  await runConformance({ adapter, scale: 0.1 }, { only: ['contention/none-twice-none-lost'] });
  expect(most).toBe(200);
});
