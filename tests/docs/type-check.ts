import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { asFile, type CodeBlock } from './code-blocks.ts';
import { root } from './documents.ts';
import { scratchFolder } from './scratch-folder.ts';

/** `<page>/<line>.ts(<line>,<column>): error …`, as `tsc` writes it. */
const DIAGNOSTIC = /^(?<path>.+)\/\d+\.ts\((?<line>\d+),(?<column>\d+)\): (?<message>.*)$/;

/**
 * Compiles blocks as files of this repository, all in one run, and returns what the compiler says, each as
 * `docs/errors.md:12:3: error …`.
 */
export function typeCheck(blocks: readonly CodeBlock[]): string[] {
  using folder = scratchFolder();
  for (const block of blocks) {
    const file = join(folder.path, block.path, `${block.line}.ts`);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, asFile(block));
  }
  const extended = relative(folder.path, join(root, 'tsconfig.json'));
  writeFileSync(join(folder.path, 'tsconfig.json'), JSON.stringify({ extends: extended, include: ['**/*.ts'] }));

  const tsc = join(root, 'node_modules', '.bin', 'tsc');
  const options = { cwd: folder.path, encoding: 'utf8' } as const;
  const { status, stdout, stderr } = spawnSync(tsc, ['--noEmit', '--pretty', 'false', '-p', '.'], options);
  const lines = stdout.split('\n').filter(line => line.trim() !== '');
  // A mistake in a package's sources is the concern of `npm run types`, and named `../../packages/…` here.
  const ours = lines.filter(line => !line.startsWith('..'));
  if (status !== 0 && lines.length === 0) throw new Error(`tsc did not run: ${stderr}`);
  return ours.map(line => line.replace(DIAGNOSTIC, '$<path>:$<line>:$<column>: $<message>'));
}
