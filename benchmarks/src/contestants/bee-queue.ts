import { randomUUID } from 'node:crypto';
import { testServer } from '@switchyard/test-servers';
import BeeQueue from 'bee-queue';
import type { Contestant } from '../contestant.ts';

/** Without its events and its memory of jobs, as its documentation advises for speed. */
export const beeQueueContestant: Contestant = {
  name: 'bee-queue',
  async open() {
    const { host, port } = (await testServer('redis')).address;
    const queue = new BeeQueue(`bench-${randomUUID()}`, {
      redis: { host, port },
      getEvents: false,
      sendEvents: false,
      storeJobs: false,
      removeOnSuccess: true,
      removeOnFailure: true,
      activateDelayedJobs: true,
    });
    await queue.ready();
    return {
      add: payload => queue.createJob(payload).save(),
      addBulk: payloads => queue.saveAll(payloads.map(payload => queue.createJob(payload))),
      addDelayed: (payload, delay) =>
        queue
          .createJob(payload)
          .delayUntil(Date.now() + delay)
          .save(),
      process: (handler, { concurrency }) => queue.process(concurrency, job => handler(job.data)),
      close: () => queue.close(1000),
    };
  },
};
