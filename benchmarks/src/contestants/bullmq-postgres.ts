import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { createPostgresBackend, Queue, runMigrations, Worker } from 'bullmq';
import { Pool } from 'pg';
import type { Contestant } from '../contestant.ts';

/** Finished jobs are removed, as ours are; everything else is as its documentation leaves it. */
export const bullmqPostgresContestant: Contestant = {
  name: 'BullMQ',
  async open() {
    const { url } = await testServer('postgres');
    const connection = { connectionString: url };
    const pool = new Pool({ ...connection, max: 1 });
    await runMigrations(pool);
    await pool.end();
    const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
    const name = `bench-${randomUUID()}`;
    const queue = new Queue(name, { connection, defaultJobOptions }, createPostgresBackend);
    await queue.waitUntilReady();
    let worker: { close(): Promise<void> } | undefined;
    return {
      add: payload => queue.add('job', payload),
      addBulk: payloads => queue.addBulk(payloads.map(data => ({ name: 'job', data }))),
      addDelayed: (payload, delay) => queue.add('job', payload, { delay }),
      process(handler, { concurrency }) {
        worker = new Worker(name, job => handler(job.data), { connection, concurrency }, createPostgresBackend);
      },
      async close() {
        await worker?.close();
        await queue.close();
      },
    };
  },
};
