import { accessSync, constants, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Where a program is, if it is on the PATH (or in `folder`) and may be run. */
export function findBinary(name: string, folder?: string): string | undefined {
  const folders = folder === undefined ? (process.env['PATH'] ?? '').split(delimiter) : [folder];
  return folders.map(each => join(each, name)).find(isExecutable);
}

/** Where a program is of which several versions may be installed side by side, each in a folder named by its version. */
export function newestOf(folder: string, path: string): string | undefined {
  const versions = readFolder(folder).toSorted((one, other) => other.localeCompare(one, 'en', { numeric: true }));
  return versions.map(version => join(folder, version, path)).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function readFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}
