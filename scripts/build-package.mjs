// Compiles the package in the current folder twice: ES modules into dist/esm and CommonJS into dist/cjs, each with
// its own declarations, so that `import` and `require` both find types that match what they load.
import { spawnSync } from 'node:child_process';
import { copyFileSync, rmSync, writeFileSync } from 'node:fs';

rmSync('dist', { recursive: true, force: true });
tsc('--outDir', 'dist/esm');
tsc('--outDir', 'dist/cjs', '--module', 'commonjs', '--moduleResolution', 'bundler');
writeFileSync('dist/cjs/package.json', '{ "type": "commonjs" }\n');
copyFileSync('../../LICENSE', 'LICENSE');

function tsc(...options) {
  const { status } = spawnSync('tsc', ['-p', 'tsconfig.json', ...options], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}
