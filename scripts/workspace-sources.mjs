// Maps every entry point of the workspace's published packages to its source file, read from their `exports`.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const packages = fileURLToPath(new URL('../packages/', import.meta.url));

/** @returns {{ find: RegExp, replacement: string }[]} */
export function workspaceSources() {
  return readdirSync(packages).flatMap(folder => {
    const { name, exports } = JSON.parse(readFileSync(join(packages, folder, 'package.json'), 'utf8'));
    return Object.entries(exports)
      .filter(([, target]) => typeof target === 'object')
      .map(([subpath, target]) => ({
        find: new RegExp(`^${name}${subpath.slice(1)}$`),
        replacement: join(packages, folder, target.import.default.replace('./dist/esm/', 'src/').replace(/js$/, 'ts')),
      }));
  });
}
