// `npm run bench -- <store>`: this project side by side with what people use there today. `npm run bench -- idle <store>`:
// what idle queues cost.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment, ready } from './ready.mjs';

ready();

const [first, ...others] = process.argv.slice(2);
const program = first === 'idle' ? ['src/idle-queues.ts', ...others] : ['src/index.ts', ...process.argv.slice(2)];
const { status } = spawnSync('node', program, {
  cwd: fileURLToPath(new URL('../benchmarks', import.meta.url)),
  env: environment(),
  stdio: 'inherit',
});
process.exit(status ?? 1);
