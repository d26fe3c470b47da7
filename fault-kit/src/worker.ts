// A worker as an application would run it: `node worker.ts '<WorkerSettings as JSON>'`. It uses the built packages.
import { setTimeout as elapse } from 'node:timers/promises';
import type { Socket } from 'node:net';
import { isQueueError, type ProcessHandler } from '@switchyard/queue-api';
import { createQueueService } from '@switchyard/queue-service';
import { Ledger } from './ledger.ts';
import { sideQueueOf, type Task, type WorkerSettings } from './worker-process.ts';

const settings = JSON.parse(process.argv[2] ?? '') as WorkerSettings;
const { service: options, queue: name, ledgerFile, sideQueue, ...processing } = settings;
const ledger = new Ledger(ledgerFile);
const service = createQueueService({
  ...options,
  // That jobs come back from dead workers, and stores from restarts, is no news here.
  logger: { ...console, warn: () => {}, info: () => {} },
});
process.once('SIGTERM', () => void service.close());
// Whoever started it is gone.
process.stdin.resume().once('end', () => process.exit(1));
(process.stdin as unknown as Socket).unref();

/** The number of the attempt does not say that where crashes are not counted. */
const isFirstRun = (id: string) => ledger.started().filter(run => run.id === id).length === 1;

const run: ProcessHandler<Task> = async (job, { signal }) => {
  const { ms, kills, blocks } = job.payload;
  ledger.record('started', job);
  if (kills) process.exit(137);
  if (blocks && isFirstRun(job.id)) for (const end = performance.now() + ms; performance.now() < end;);
  else await elapse(ms, undefined, { signal });
  ledger.record('finished', job);
};

for (const queueName of sideQueue ? [name, sideQueueOf(name)] : [name]) {
  const queue = await service.getQueue<Task>(queueName);
  queue.on('completed', job => ledger.record('completed', job));
  queue.on('dead', ({ id, attempt, error }) => ledger.record('dead', { id, attempt, error: error.name }));
  queue.on('error', ({ error, id }) => {
    if (id !== undefined && isQueueError(error, 'lease-lost')) ledger.record('lost', { id, attempt: 0 });
  });
  queue.process(run, processing);
}
ledger.record('ready', { id: '', attempt: 0 });
