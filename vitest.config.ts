import { defineConfig } from 'vitest/config';
import { workspaceSources } from './scripts/workspace-sources.mjs';

// Tests import the packages by name and get their sources, so that no test can pass on a stale build. What the built
// packages look like from outside is the subject of tests/.
export default defineConfig({
  resolve: { alias: workspaceSources() },
  test: {
    include: [
      'packages/*/test/**/*.test.ts',
      'examples/*/test/**/*.test.ts',
      'benchmarks/test/**/*.test.ts',
      'test-servers/test/**/*.test.ts',
      'tests/**/*.test.ts',
    ],
    globalSetup: ['test-servers/src/vitest.ts'],
    restoreMocks: true,
    // Most tests wait: for a lease to end, for a server to come back. One more worker than vitest would take on two cores.
    maxWorkers: 2,
    testTimeout: 30_000,
    // On a fresh machine the first test that asks for a server waits until it is installed.
    hookTimeout: 120_000,
  },
});
