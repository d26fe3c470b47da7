import {
  coreServices,
  createBackendPlugin,
  createServiceFactory,
  createServiceRef,
} from '@backstage/backend-plugin-api';
import { queueServiceRef } from '@switchyard/queue-api/backstage';
import { queueServiceFactory } from '@switchyard/queue-service/backstage';
import { expect, it } from 'vitest';
import { startBackend } from './start-backend.ts';

interface FakeDatabase {
  insert(row: string): void;
  rows: string[];
}

/** Closes as Backstage's database does: in a shutdown hook of the root lifecycle. */
const databaseRef = createServiceRef<FakeDatabase>({ id: 'test.database', scope: 'root' });
const databaseFactory = createServiceFactory({
  service: databaseRef,
  deps: { lifecycle: coreServices.rootLifecycle },
  factory({ lifecycle }) {
    let open = true;
    lifecycle.addShutdownHook(() => {
      open = false;
    });
    const rows: string[] = [];
    return {
      rows,
      insert(row) {
        if (!open) throw new Error('the database is closed');
        rows.push(row);
      },
    };
  },
});

it('lets running handlers use the database to their end and starts no further job (rule 24)', async () => {
  const started = Promise.withResolvers<void>();
  const stopping = Promise.withResolvers<void>();
  const rows: string[] = [];

  const plugin = createBackendPlugin({
    pluginId: 'catalog',
    register(env) {
      env.registerInit({
        deps: { queues: queueServiceRef, database: databaseRef, rootLifecycle: coreServices.rootLifecycle },
        async init({ queues, database, rootLifecycle }) {
          const queue = await queues.getQueue('refresh');
          queue.process(async ({ payload }) => {
            database.insert(`${payload} started`);
            started.resolve();
            await stopping.promise;
            // A job may well lead to another one, also now.
            if (payload === 'first') await queue.add('next');
            database.insert(`${payload} finished`);
          });
          await queue.add('first');
          await queue.add('second');
          // Hooks are called in the order in which they were added: the drain has begun when this one runs.
          rootLifecycle.addBeforeShutdownHook(stopping.resolve);
          rootLifecycle.addShutdownHook(() => void rows.push(...database.rows));
        },
      });
    },
  });
  const backend = await startBackend({ features: [queueServiceFactory, databaseFactory, plugin] });
  await started.promise;
  await backend.stop();
  expect(rows).toEqual(['first started', 'first finished']);
});
