// A worker as an application would run it: `node test/worker.ts '<WorkerSettings as JSON>'`. It uses the built packages.
import { setTimeout as elapse } from 'node:timers/promises';
import { createQueueService } from '@switchyard/queue-service';
import { sqliteAdapter } from '../src/sqlite-adapter.ts';
import { Ledger } from './ledger.ts';
import type { Task, WorkerSettings } from './worker-process.ts';

const { path, ledgerFile, maxAttempts, ...options } = JSON.parse(process.argv[2] ?? '') as WorkerSettings;
const ledger = new Ledger(ledgerFile);
const service = createQueueService({
  adapters: [sqliteAdapter],
  defaultStore: 'sqlite',
  sqlite: { path },
  leaseDuration: 1_000,
  maxAttempts,
  // The warnings that jobs came back from dead workers are no news here.
  logger: { ...console, warn: () => {} },
});
process.once('SIGTERM', () => void service.close());

const queue = await service.getQueue<Task>('work');
queue.process(async job => {
  ledger.record('started', job);
  if (job.payload.kills) process.exit(137);
  await elapse(job.payload.ms);
  ledger.record('finished', job);
}, options);
