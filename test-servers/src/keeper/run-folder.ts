import { once } from 'node:events';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PREFIX = 'switchyard-test-servers-';
const YOUNG_MS = 60_000;

export function createRunFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), PREFIX));
  // PostgreSQL may have to run as another user, who must be able to reach its data.
  chmodSync(folder, 0o711);
  return folder;
}

/** Where the keeper of a run listens. */
export function controlSocket(folder: string): string {
  return join(folder, 'control');
}

/** Removes what runs left that could not do it themselves: the machine lost its power, or all of Node.js was killed. */
export async function sweepRunFolders(): Promise<void> {
  for (const name of readdirSync(tmpdir()).filter(each => each.startsWith(PREFIX))) {
    const folder = join(tmpdir(), name);
    try {
      if (isYoung(folder) || (await isKept(folder))) continue;
      rmSync(folder, { recursive: true, force: true });
    } catch {
      // Somebody else was faster, or it is somebody else's.
    }
  }
}

/** Its keeper may not listen yet. */
function isYoung(folder: string): boolean {
  return Date.now() - statSync(folder).mtimeMs < YOUNG_MS;
}

async function isKept(folder: string): Promise<boolean> {
  const socket = connect(controlSocket(folder));
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
