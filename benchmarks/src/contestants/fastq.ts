import fastq from 'fastq';
import type { Contestant } from '../contestant.ts';

/** An in-process queue without leases, retries or copies: the floor under what any queue costs. */
export const fastqContestant: Contestant = {
  name: 'fastq',
  async open() {
    let handle: (payload: unknown) => Promise<void> = async () => {};
    const queue = fastq.promise<unknown, unknown>(payload => handle(payload), 1);
    queue.pause();
    // `push` returns when the job is done; when it is stored is at once.
    const add = async (payload: unknown) => void queue.push(payload);
    return {
      add,
      addBulk: async payloads => {
        for (const payload of payloads) void queue.push(payload);
      },
      process(handler, { concurrency }) {
        handle = handler;
        queue.concurrency = concurrency;
        queue.resume();
      },
      close: async () => queue.kill(),
    };
  },
};
