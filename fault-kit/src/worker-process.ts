import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The payload of the jobs that the worker runs. */
export interface Task {
  /** How long it takes. */
  readonly ms: number;
  /** It ends its process. */
  readonly kills?: boolean;
  /** Its first run keeps the event loop of its process for itself all the time. */
  readonly blocks?: boolean;
}

/** Options of `createQueueService`, as JSON: they travel to other processes. */
export type ServiceOptions = Readonly<Record<string, unknown>>;

export interface WorkerSettings {
  readonly service: ServiceOptions;
  readonly queue: string;
  readonly ledgerFile: string;
  readonly concurrency: number;
  readonly prefetch: number;
  /** Whether to process {@link sideQueueOf} as well. */
  readonly sideQueue: boolean;
}

export function sideQueueOf(queue: string): string {
  return `${queue}-side`;
}

export type WorkerProcess = ReturnType<typeof startWorkerProcess>;

/** Starts a process that runs jobs until it is told to stop. It does not outlive this one. */
export function startWorkerProcess(settings: WorkerSettings) {
  const program = fileURLToPath(new URL('worker.ts', import.meta.url));
  const child = spawn(process.execPath, [program, JSON.stringify(settings)], {
    // Without the marks of the test runner: it is to behave as on anybody's machine.
    env: { ...process.env, NODE_ENV: 'production', VITEST: '', NODE_OPTIONS: '' },
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const exit = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  const kill = async () => {
    child.kill('SIGKILL');
    await exit;
  };
  return {
    pid: child.pid,
    /** How it ended, once it has. */
    exit,
    terminate: () => child.kill('SIGTERM'),
    kill,
    [Symbol.asyncDispose]: kill,
  };
}
