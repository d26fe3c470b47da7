import { expect, it } from 'vitest';
import { type CodeBlock, codeBlocks } from './code-blocks.ts';
import { documents } from './documents.ts';
import { runBlock } from './run-block.ts';

const runnable = documents()
  .flatMap(codeBlocks)
  .filter(block => block.expects !== undefined);

it.each(runnable)('$path:$line prints "$expects" and ends well', { timeout: 90_000 }, async block => {
  const end = await runBlock(block);
  expect(end.output).toContain(block.expects);
  // One that handles SIGTERM has to do so properly. Others are ended by it, unless they are done already.
  const killed = end.signal === 'SIGTERM' && !block.code.includes('SIGTERM');
  expect(end).toMatchObject(killed ? { code: null } : { code: 0 });
});

it.each(['README.md', 'docs/using-the-queue.md', 'packages/queue-service/README.md'])(
  'runs the quick start of %s',
  path => {
    expect(runnable.map(block => block.path)).toContain(path);
  },
);

it('lets a program end that never prints it', { timeout: 90_000 }, async () => {
  expect(await runBlock(program("console.log('done');"))).toMatchObject({ code: 0, output: 'done\n' });
});

it('sees the exit code of a program that handles SIGTERM badly', { timeout: 90_000 }, async () => {
  const code = "process.once('SIGTERM', () => process.exit(3)); setInterval(() => {}, 1000); console.log('ready');";
  expect(await runBlock(program(code))).toMatchObject({ code: 3 });
});

function program(code: string): CodeBlock {
  return { path: 'a-page.md', line: 1, language: 'ts', code, expects: 'ready' };
}
