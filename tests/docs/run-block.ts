import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asFile, type CodeBlock } from './code-blocks.ts';
import { scratchFolder } from './scratch-folder.ts';

/** Long enough for any machine; a program that takes longer hangs. */
const DEADLINE_MS = 60_000;

export interface RunEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly output: string;
}

/** Runs a block as a program that uses the built packages, and sends it SIGTERM once it has printed what it should. */
export async function runBlock(block: CodeBlock): Promise<RunEnd> {
  using folder = scratchFolder();
  const file = join(folder.path, 'program.ts');
  writeFileSync(file, asFile(block));

  // Without the marks of the test runner: the program is to behave as on anybody's machine.
  const env = { ...process.env, NODE_ENV: 'development', VITEST: '', NODE_OPTIONS: '', PORT: '0' };
  const child = spawn(process.execPath, [file], { cwd: folder.path, env, stdio: ['ignore', 'pipe', 'pipe'] });
  const deadline = setTimeout(() => child.kill('SIGKILL'), DEADLINE_MS);
  let output = '';
  let terminated = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      if (terminated || block.expects === undefined || !output.includes(block.expects)) return;
      terminated = true;
      child.kill('SIGTERM');
    });
  }
  const [code, signal] = await once(child, 'close');
  clearTimeout(deadline);
  return { code, signal, output };
}
