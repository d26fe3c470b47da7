import { randomUUID } from 'node:crypto';
import { createQueueService, type QueueServiceOptions } from '@switchyard/queue-service';
import type { Contestant, QueueShape } from '../contestant.ts';

/** This project, on the store of the given configuration. */
export function switchyard(
  configure: (shape: QueueShape) => QueueServiceOptions | Promise<QueueServiceOptions>,
): Contestant {
  return {
    name: 'switchyard',
    async open(shape) {
      const service = createQueueService(await configure(shape));
      const queue = await service.getQueue(`bench-${randomUUID()}`);
      return {
        add: payload => queue.add(payload),
        addBulk: payloads => queue.addBulk(payloads.map(payload => ({ payload }))),
        addDelayed: (payload, delay) => queue.add(payload, { delay }),
        process: (handler, worker) => queue.process(job => handler(job.payload), worker),
        close: () => service.close(),
      };
    },
  };
}
