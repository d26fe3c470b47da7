import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { PgBoss } from 'pg-boss';
import type { Contestant } from '../contestant.ts';

/** A handler gets so many jobs, and all or none of them are done. With one job a handler, each would wait for the next poll. */
const BATCH = 100;

/** Woken by the server, and fetching on at once while batches come back full. */
export const pgBossContestant: Contestant = {
  name: 'pg-boss',
  async open() {
    const boss = new PgBoss({
      connectionString: (await testServer('postgres')).url,
      schema: `bench_${randomUUID().slice(0, 8)}`,
      max: 10,
      useListenNotify: true,
    });
    boss.on('error', error => console.error(error));
    await boss.start();
    const name = 'bench';
    await boss.createQueue(name, { notify: true });
    return {
      add: payload => boss.send(name, payload as object),
      addBulk: payloads =>
        boss.insert(
          name,
          payloads.map(data => ({ data: data as object })),
        ),
      addDelayed: (payload, delay) => boss.send(name, payload as object, { startAfter: new Date(Date.now() + delay) }),
      process(handler, { concurrency }) {
        const options = { localConcurrency: concurrency, batchSize: BATCH, burstWhenBatchFull: true };
        void boss.work(name, options, async jobs => {
          for (const { data } of jobs) await handler(data);
        });
      },
      close: () => boss.stop({ graceful: false }),
    };
  },
};
