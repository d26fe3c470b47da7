import { createQueueService } from '@switchyard/queue-service';
import type { ServiceOptions } from './worker-process.ts';

/** A worker in this process, reached through whatever the test does to its network. */
export async function workHere(options: ServiceOptions, queueName: string, { concurrency = 5, takesMs = 5 } = {}) {
  const errors: string[] = [];
  const quiet = (message: string) => void errors.push(message);
  const service = createQueueService({ ...options, logger: { debug() {}, info() {}, warn: quiet, error: quiet } });
  const queue = await service.getQueue<unknown>(queueName);
  const runs: { id: string; attempt: number }[] = [];
  const completed: string[] = [];
  queue.on('completed', ({ id }) => void completed.push(id));
  queue.process(
    async ({ id, attempt }) => {
      runs.push({ id, attempt });
      await new Promise(resolve => void setTimeout(resolve, takesMs));
    },
    { concurrency },
  );
  return {
    queue,
    service,
    /** Every run that began. */
    runs,
    completed,
    /** What was logged: bounded while the store is down (rule 25). */
    logged: errors,
    [Symbol.asyncDispose]: () => service.close(),
  };
}
