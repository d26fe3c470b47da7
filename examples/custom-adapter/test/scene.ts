import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createQueueService } from '@switchyard/queue-service';
import { sqliteAdapter } from '../src/sqlite-adapter.ts';
import { Ledger } from './ledger.ts';
import { startWorker, type Task, type WorkerProcess, type WorkerSettings } from './worker-process.ts';

/** A queue in a new file, a ledger beside it, and workers; all of it is gone at the end. */
export async function createScene(settings: Partial<WorkerSettings> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'queue-sqlite-'));
  const path = join(folder, 'jobs.db');
  const ledger = new Ledger(join(folder, 'ledger'));
  const service = createQueueService({ adapters: [sqliteAdapter], defaultStore: 'sqlite', sqlite: { path } });
  const workers: WorkerProcess[] = [];
  return {
    path,
    ledger,
    queue: await service.getQueue<Task>('work'),
    startWorker(): WorkerProcess {
      const worker = startWorker({
        path,
        ledgerFile: ledger.file,
        maxAttempts: 5,
        concurrency: 5,
        prefetch: 0,
        ...settings,
      });
      workers.push(worker);
      return worker;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all(workers.map(worker => worker.kill()));
      await service.close();
      rmSync(folder, { recursive: true });
    },
  };
}
