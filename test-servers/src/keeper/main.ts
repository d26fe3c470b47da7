// The process that keeps the servers of one run of the tests. It has no terminal and is nobody's group, so that no Ctrl-C
// reaches it. It ends when its standard input does: whichever way the process that started it ended.
import { once } from 'node:events';
import { chmodSync } from 'node:fs';
import { createServer } from 'node:net';
import { createKeeper } from './keeper.ts';
import { controlSocket, sweepRunFolders } from './run-folder.ts';
import { openRun } from './run.ts';

const run = openRun();
let ending: Promise<void> | undefined;

function end(exitCode: number): void {
  ending ??= run.end().finally(() => process.exit(exitCode));
}

process.stdin.resume().on('close', () => end(0));
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => end(1));
process.on('uncaughtException', error => {
  console.error(error);
  end(1);
});
// Nobody may be left to read what is said.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {});

const control = createServer(createKeeper(run)).listen(controlSocket(run.folder));
await once(control, 'listening');
chmodSync(controlSocket(run.folder), 0o600);
process.stdout.write(`${controlSocket(run.folder)}\n`);
await run.finish(sweepRunFolders());
