// `npm run servers`: the servers that the tests use, for work by hand. Names after `--` choose some of them.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { environment, ready } from './ready.mjs';

ready();

const servers = spawn('node', ['src/run-servers.ts', ...process.argv.slice(2)], {
  cwd: fileURLToPath(new URL('../test-servers', import.meta.url)),
  env: environment(),
  stdio: 'inherit',
});

// They are given time to end. Ctrl-C reaches them from the terminal; SIGTERM comes only here.
process.on('SIGINT', () => {});
process.on('SIGTERM', () => servers.kill('SIGTERM'));
servers.on('exit', (code, signal) => process.exit(code ?? (signal === null ? 1 : 128)));
