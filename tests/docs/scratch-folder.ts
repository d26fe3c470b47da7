import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './documents.ts';

/**
 * A folder for the code of the documentation: inside the repository, where imports find the packages, but not in
 * node_modules, where Node.js strips no types. Git ignores it.
 */
export function scratchFolder(): { readonly path: string } & Disposable {
  const parent = join(root, '.switchyard');
  mkdirSync(parent, { recursive: true });
  const path = mkdtempSync(join(parent, 'docs-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}
