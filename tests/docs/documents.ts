import { existsSync, globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { join } from 'node:path';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** A page in Markdown. `path` is relative to the root of the repository. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** Every page that users read. */
export function documents(): Document[] {
  const patterns = [
    'README.md',
    'CONTRIBUTING.md',
    'docs/**/*.md',
    '{packages,examples}/*/README.md',
    'benchmarks/README.md',
  ];
  return globSync(patterns, { cwd: root }).toSorted().map(document);
}

/** One page, by its path. */
export function document(path: string): Document {
  return { path, text: readFileSync(join(root, path), 'utf8') };
}

/** Whether the repository has a file or folder of that path. */
export function exists(path: string): boolean {
  return existsSync(join(root, path));
}
