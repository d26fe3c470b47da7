import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The payload of the jobs that the worker runs. */
export interface Task {
  /** How long it takes. */
  readonly ms: number;
  /** It ends its process. */
  readonly kills?: boolean;
}

export interface WorkerSettings {
  readonly path: string;
  readonly ledgerFile: string;
  readonly maxAttempts: number;
  readonly concurrency: number;
  readonly prefetch: number;
}

export type WorkerProcess = ReturnType<typeof startWorker>;

/** Starts a process that runs the jobs of the queue `work`, with leases of a second. */
export function startWorker(settings: WorkerSettings) {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('worker.ts', import.meta.url)), JSON.stringify(settings)],
    {
      // Without the marks of the test runner: it is to behave as on anybody's machine.
      env: { ...process.env, NODE_ENV: 'production', VITEST: '', NODE_OPTIONS: '' },
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const exit = once(child, 'close').then(([code, signal]) => ({
    code: code as number | null,
    signal: signal as string | null,
  }));
  return {
    pid: child.pid,
    /** How it ended, once it has. */
    exit,
    terminate: () => child.kill('SIGTERM'),
    async kill(): Promise<void> {
      child.kill('SIGKILL');
      await exit;
    },
    async [Symbol.asyncDispose](): Promise<void> {
      child.kill('SIGKILL');
      await exit;
    },
  };
}
