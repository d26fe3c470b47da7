import { execFile } from 'node:child_process';
import type { ExecFileOptions } from 'node:child_process';

const TAIL = 2000;

/** Runs a program to its end. Resolves with its output, rejects with the end of what it printed if it fails. */
export function runCommand(command: string, args: readonly string[], options: ExecFileOptions = {}): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(command, args, { ...options, maxBuffer: 64 * 1024 * 1024, encoding: 'utf8' }, (error, stdout, stderr) => {
      if (error === null) return resolve(stdout);
      const printed = `${stdout}${stderr}`.trim().slice(-TAIL);
      reject(new Error(`${command} ${args.join(' ')} failed: ${error.message}\n${printed}`, { cause: error }));
    });
  });
}
