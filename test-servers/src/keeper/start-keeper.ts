import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { onLine } from '../on-line.ts';

export interface KeeperProcess {
  /** Where it listens. */
  readonly socket: string;
  /** Resolves when all its servers have ended and their data are gone. */
  stop(): Promise<void>;
}

/** Starts the process that keeps servers for as long as this one lives. */
export async function startKeeper(): Promise<KeeperProcess> {
  const main = fileURLToPath(new URL('./main.ts', import.meta.url));
  const keeper = spawn(process.execPath, [main], { detached: true, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(keeper, 'exit');
  const socket = await new Promise<string>((resolve, reject) => {
    onLine(keeper.stdout, resolve);
    ended.then(() => reject(new Error('The process that keeps the test servers ended at once')), reject);
  });

  for (const handle of [keeper, keeper.stdin as Socket, keeper.stdout as Socket]) handle.unref();
  return {
    socket,
    async stop() {
      keeper.ref();
      keeper.stdin.end();
      await ended;
    },
  };
}
