// `npm run bench -- <store>`: this project side by side with what people use there today.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment, ready } from './ready.mjs';

ready();

const { status } = spawnSync('node', ['src/index.ts', ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL('../benchmarks', import.meta.url)),
  env: environment(),
  stdio: 'inherit',
});
process.exit(status ?? 1);
