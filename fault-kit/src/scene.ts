import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BulkJob } from '@switchyard/queue-api';
import { createQueueService } from '@switchyard/queue-service';
import { expect, vi } from 'vitest';
import { Ledger } from './ledger.ts';
import {
  sideQueueOf,
  startWorkerProcess,
  type ServiceOptions,
  type Task,
  type WorkerProcess,
} from './worker-process.ts';

export interface SceneOptions {
  readonly service: ServiceOptions;
  readonly concurrency?: number;
  readonly prefetch?: number;
  /** The workers process a second queue as well. */
  readonly sideQueue?: boolean;
}

/** A new queue with workers in processes of their own, a ledger of what they do, and an end to all of it. */
export async function createScene({
  service: options,
  concurrency = 5,
  prefetch = 0,
  sideQueue = false,
}: SceneOptions) {
  const folder = mkdtempSync(join(tmpdir(), 'switchyard-faults-'));
  const ledger = new Ledger(join(folder, 'ledger'));
  const service = createQueueService({ ...options, logger: { ...console, warn: () => {}, info: () => {} } });
  const name = `work-${randomUUID()}`;
  const queue = await service.getQueue<Task>(name);
  const workers: WorkerProcess[] = [];
  const added: string[] = [];

  async function add(jobs: readonly BulkJob<Task>[]): Promise<string[]> {
    const ids = await queue.addBulk(jobs);
    added.push(...ids);
    return ids;
  }

  return {
    ledger,
    queue,
    /** The ids of all jobs that the store has said it has. */
    added,
    add,
    addTasks: (count: number, task: (n: number) => Task) =>
      add(Array.from({ length: count }, (_, n) => ({ payload: task(n) }))),
    /** Adds one job to the second queue. */
    addToSideQueue: async (task: Task) => (await service.getQueue<Task>(sideQueueOf(name))).add(task),
    /** Resolves once the worker takes jobs, and can be told to stop. */
    async ready({ pid }: WorkerProcess): Promise<void> {
      const isReady = () => expect(ledger.entries('ready').map(entry => entry.pid)).toContain(pid);
      await vi.waitFor(isReady, { timeout: 30_000, interval: 10 });
    },
    startWorker(): WorkerProcess {
      const settings = { service: options, queue: name, ledgerFile: ledger.file, concurrency, prefetch, sideQueue };
      const worker = startWorkerProcess(settings);
      workers.push(worker);
      return worker;
    },
    /** Waits until no job is left, and asserts that each one was finished. Returns how many were finished twice or more. */
    async allFinished({ within, except = [] }: { within: number; except?: readonly string[] }): Promise<number> {
      await vi.waitFor(async () => expect(await queue.getJobCount()).toBe(0), { timeout: within, interval: 100 });
      const finished = ledger.finished().map(({ id }) => id);
      const expected = added.filter(id => !except.includes(id));
      expect(new Set(finished)).toEqual(new Set(expected));
      return finished.length - expected.length;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      await Promise.all(workers.map(worker => worker.kill()));
      await service.close();
      rmSync(folder, { recursive: true });
    },
  };
}

export function random(below: number): number {
  return Math.floor(Math.random() * below);
}
