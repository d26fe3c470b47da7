// `npm test`: installs and builds what is missing, then runs all tests. Arguments go to vitest.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment, ready } from './ready.mjs';

ready();

const { status } = spawnSync('vitest', ['run', ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL('..', import.meta.url)),
  env: environment(),
  stdio: 'inherit',
});
process.exit(status ?? 1);
