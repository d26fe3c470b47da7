import PQueue from 'p-queue';
import type { Contestant } from '../contestant.ts';

/** An in-process promise queue with priorities. */
export const pQueueContestant: Contestant = {
  name: 'p-queue',
  async open() {
    let handle: (payload: unknown) => Promise<void> = async () => {};
    const queue = new PQueue({ autoStart: false });
    return {
      add: async payload => void queue.add(() => handle(payload)),
      addBulk: async payloads => void queue.addAll(payloads.map(payload => () => handle(payload))),
      process(handler, { concurrency }) {
        handle = handler;
        queue.concurrency = concurrency;
        queue.start();
      },
      close: async () => queue.clear(),
    };
  },
};
