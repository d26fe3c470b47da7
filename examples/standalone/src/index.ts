import { setTimeout } from 'node:timers/promises';
import { createQueueService } from '@switchyard/queue-service';

const service = createQueueService({ defaultStore: 'memory' });

const emails = await service.getQueue<{ to: string; bounces?: boolean }>('emails', {
  maxAttempts: 3,
  dlqHandler: (job, error) =>
    console.log(`${job.payload.to}: given up after ${job.attempt} attempts: ${error.message}`),
});

emails.process(
  async ({ payload, attempt }, { signal }) => {
    console.log(`${payload.to}: attempt ${attempt} started`);
    await setTimeout(500, undefined, { signal });
    if (payload.bounces) throw new Error('the mailbox is full');
    console.log(`${payload.to}: sent`);
  },
  { concurrency: 2 },
);

await emails.add({ to: 'ada@example.com' });
await emails.add({ to: 'grace@example.com' }, { delay: 2000 });
await emails.add({ to: 'nobody@example.com', bounces: true });

// Running jobs finish, nothing is left open, and the program ends by itself.
process.once('SIGINT', () => void service.close());
process.once('SIGTERM', () => void service.close());
console.log(`Ctrl-C or kill ${process.pid} to stop`);
