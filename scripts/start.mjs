// `npm start`: the example Backstage backend, on the memory store, from nothing but a clone.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment, ready } from './ready.mjs';

ready();

const backend = spawn('node', ['src/index.ts', '--config', 'app-config.yaml', ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL('../examples/backstage-backend', import.meta.url)),
  env: environment(),
  stdio: 'inherit',
});

// The backend decides when it is done: it drains first. Ctrl-C reaches it from the terminal, and a second one would make
// Backstage exit at once; SIGTERM comes only here.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => backend.kill('SIGTERM'));
backend.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
