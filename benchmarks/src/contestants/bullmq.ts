import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import { Queue, Worker } from 'bullmq';
import type { Contestant } from '../contestant.ts';

/** Finished jobs are removed, as ours are; everything else is as its documentation leaves it. */
export const bullmqContestant: Contestant = {
  name: 'BullMQ',
  async open() {
    const { host, port } = (await testServer('redis')).address;
    const connection = { host, port, maxRetriesPerRequest: null };
    const defaultJobOptions = { removeOnComplete: true, removeOnFail: true };
    const name = `bench-${randomUUID()}`;
    const queue = new Queue(name, { connection, defaultJobOptions });
    await queue.waitUntilReady();
    let worker: Worker | undefined;
    return {
      add: payload => queue.add('job', payload),
      addBulk: payloads => queue.addBulk(payloads.map(data => ({ name: 'job', data }))),
      addDelayed: (payload, delay) => queue.add('job', payload, { delay }),
      process(handler, { concurrency }) {
        worker = new Worker(name, job => handler(job.data), { connection, concurrency });
      },
      async close() {
        await worker?.close();
        await queue.close();
      },
    };
  },
};
