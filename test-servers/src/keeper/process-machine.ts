import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Place, Program } from '../kinds/kind.ts';
import { diesWithParent } from './dies-with-parent.ts';
import type { Machine } from './machine.ts';

const LOG_LENGTH = 4000;
const STOP_MS = 15_000;

/** A private process on a loopback port, with its data in a folder. */
export function processMachine({ run, folder, port }: Place, program: Program): Machine {
  let server: ChildProcess | undefined;
  let ended: Promise<unknown> = Promise.resolve();
  let log = '';

  const isRunning = () => server?.pid !== undefined && server.exitCode === null && server.signalCode === null;

  async function start() {
    run.signal.throwIfAborted();
    if (isRunning()) return;
    const [command, args] = diesWithParent(program.command, program.args);
    const started = spawn(command, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], ...program.user });
    server = started;
    // Not its exit: PostgreSQL's sessions outlive their parent by a moment and hold on to its memory and output.
    ended = new Promise(resolve => started.on('close', resolve).on('error', resolve));
    for (const output of [started.stdout, started.stderr]) {
      output.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-LOG_LENGTH)));
    }
    await once(started, 'spawn');
  }

  async function end(signal: NodeJS.Signals) {
    if (isRunning()) server?.kill(signal);
    const late = new AbortController();
    await Promise.race([
      ended,
      sleep(program.stopMs ?? STOP_MS, undefined, { signal: late.signal }).then(() => server?.kill('SIGKILL')),
    ]);
    late.abort();
    await ended;
  }

  const remove = run.own(async () => {
    await end('SIGKILL');
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });

  return {
    way: 'process',
    address: { host: '127.0.0.1', port },
    start,
    stop: () => end(program.stopSignal ?? 'SIGTERM'),
    kill: () => end('SIGKILL'),
    remove,
    isRunning: () => Promise.resolve(isRunning()),
    log: () => Promise.resolve(log),
  };
}
