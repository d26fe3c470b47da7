import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const folder = fileURLToPath(new URL('..', import.meta.url));

it.each([
  ['memory', 'fastq'],
  ['redis', 'BullMQ'],
  ['kafka', 'kafkajs'],
])('measures %s side by side with %s', { timeout: 120_000 }, async (store, peer) => {
  const args = ['src/index.ts', store, '--rounds', '1', '--only', 'pick-up'];
  const env = { ...process.env, NODE_ENV: 'production', VITEST: '', NODE_OPTIONS: '' };
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: folder, env });
  const row = stdout.split('\n').find(line => line.startsWith('| pick-up, p50')) ?? '';
  expect(stdout).toContain(`switchyard / ${peer}`);
  expect(row.match(/\d+\.\d+ \(\d+\.\d+–\d+\.\d+\)/g)?.length).toBeGreaterThan(2);
});
