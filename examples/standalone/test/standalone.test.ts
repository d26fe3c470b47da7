import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { startProgram } from './start-program.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));

it('runs jobs at once, after their delay, and until their attempts are used up', { timeout: 90_000 }, async () => {
  await using program = startProgram(folder, ['src/index.ts']);
  await program.prints('ada@example.com: sent');
  await program.prints('grace@example.com: sent');
  await program.prints('nobody@example.com: given up after 3 attempts: the mailbox is full');
  const output = program.output();
  expect(output.indexOf('ada@example.com: sent')).toBeLessThan(output.indexOf('grace@example.com: attempt 1'));
  expect(output).toContain('nobody@example.com: attempt 3 started');
  expect(output).not.toContain('attempt 4');
});

it('finishes the running job when it is told to stop, and ends by itself', { timeout: 90_000 }, async () => {
  await using program = startProgram(folder, ['src/index.ts']);
  await program.prints('to stop');
  await program.prints('ada@example.com: attempt 1 started');
  program.terminate();
  expect(await program.exit).toEqual({ code: 0, signal: null });
  expect(program.output()).toContain('ada@example.com: sent');
});
