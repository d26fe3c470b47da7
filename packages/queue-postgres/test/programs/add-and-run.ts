// Opens the store in a schema that may not be there yet, adds a job to a queue of its own and runs it.
import { randomUUID } from 'node:crypto';
import { createQueueService } from '@switchyard/queue-service';
import { postgresAdapter } from '@switchyard/queue-postgres';

const [, , connection = '', schema = ''] = process.argv;
const service = createQueueService({
  adapters: [postgresAdapter],
  defaultStore: 'postgres',
  postgres: { connection, schema },
});
const queue = await service.getQueue(`queue-${randomUUID()}`);
const { promise: ran, resolve } = Promise.withResolvers<number>();
queue.process(({ attempt }) => resolve(attempt));
await queue.add({});
process.stdout.write(`ran ${await ran}`);
await service.close();
