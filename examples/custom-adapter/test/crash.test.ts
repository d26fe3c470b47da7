import { createScene, describeWorkerFaults } from '@switchyard/fault-kit';
import { afterAll, expect, it } from 'vitest';
import { temporaryFile } from './open-store.ts';

const file = temporaryFile();
afterAll(() => file[Symbol.dispose]());

/** As an operator writes it: the adapter is found by the name of its package. */
const options = () => ({
  adapters: ['@switchyard/example-custom-adapter'],
  defaultStore: 'sqlite',
  sqlite: { path: file.path },
});

describeWorkerFaults(options);

it('lets several processes open a new file at the same moment', { timeout: 60_000 }, async () => {
  using other = temporaryFile();
  await using scene = await createScene({ service: { ...options(), sqlite: { path: other.path } } });
  const workers = Array.from({ length: 4 }, () => scene.startWorker());
  await scene.addTasks(40, () => ({ ms: 50 }));
  await Promise.all(workers.map(worker => scene.ready(worker)));
  expect(await scene.allFinished({ within: 50_000 })).toBe(0);
  for (const worker of workers) worker.terminate();
  for (const worker of workers) expect(await worker.exit).toEqual({ code: 0, signal: null });
});
