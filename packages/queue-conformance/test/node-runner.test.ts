import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { conformanceCases } from '@switchyard/queue-conformance';
import { expect, test } from 'vitest';

const resolveSources = new URL('./resolve-sources.mjs', import.meta.url).href;
const memoryKit = fileURLToPath(new URL('./node-runner/memory.ts', import.meta.url));

test(
  "the kit runs under Node.js' own test runner: cases pass, skip with a reason, and fail",
  { timeout: 180_000 },
  () => {
    const { NODE_TEST_CONTEXT: _, ...env } = process.env;
    const { stdout, status } = spawnSync(
      process.execPath,
      ['--import', resolveSources, '--test', '--test-reporter=tap', memoryKit],
      { env, encoding: 'utf8', timeout: 170_000 },
    );
    const [needlesslySkipped] = conformanceCases;
    const failed = stdout.match(/^ +not ok .*$/gm)?.filter(line => line.includes('/')) ?? [];
    expect(failed).toEqual([expect.stringContaining(`${needlesslySkipped?.id}: `)]);
    expect(stdout).toContain(`${needlesslySkipped?.id} is in the skips but passes: remove it from there`);
    expect(stdout).toMatch(/ok \d+ - leases\/hold: /);
    expect(stdout).toMatch(/ok \d+ - capabilities\/durable: .* # SKIP not applicable: the store is not durable/);
    expect(status).toBe(1);
  },
);
