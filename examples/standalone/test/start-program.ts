import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import { vi } from 'vitest';

/** Starts a program, Node.js unless told otherwise, as a process of its own and follows what it prints. */
export function startProgram(
  folder: string,
  args: readonly string[],
  env: Record<string, string> = {},
  command: string = process.execPath,
) {
  const child = spawn(command, args, {
    cwd: folder,
    // A process group of its own, so that nothing it started outlives the test.
    detached: true,
    // Without the marks of the test runner: the program is to behave as on anybody's machine.
    env: { ...process.env, NODE_ENV: 'development', VITEST: '', NODE_OPTIONS: '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += stripVTControlCharacters(text)));
  }
  const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
  const exit = once(child, 'close').then(([code, signal]) => ({ code, signal }));

  return {
    /** Everything printed so far. */
    output: () => output,
    /** Resolves once `text` has been printed; rejects when the program ends without. */
    async prints(text: string): Promise<void> {
      await vi.waitUntil(() => output.includes(text) || hasEnded(), { timeout: 60_000, interval: 20 });
      if (!output.includes(text)) throw new Error(`The program ended without printing "${text}":\n${output}`);
    },
    terminate: () => child.kill('SIGTERM'),
    /** How the program ended, once it has. */
    exit,
    async [Symbol.asyncDispose](): Promise<void> {
      if (!hasEnded() && child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
      await exit;
    },
  };
}
