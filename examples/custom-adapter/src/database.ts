import { DatabaseSync } from 'node:sqlite';
import { setImmediate as nextTurn, setTimeout as elapse } from 'node:timers/promises';
import { SCHEMA } from './sql.ts';

export const LOCK_WAIT_MS = 5_000; // for calls that bring no deadline
const BUSY = 5;

export async function openDatabase(path: string): Promise<DatabaseSync> {
  const db = new DatabaseSync(path);
  const opened = whenFree(LOCK_WAIT_MS, () => {
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.['journal_mode'];
    if (mode !== 'wal') throw new Error(`${path} is nothing that processes can share: it allows no WAL`);
    db.exec('PRAGMA synchronous = FULL'); // NORMAL may lose what was committed when the power fails
    transaction(db, () => db.exec(SCHEMA));
  });
  opened.catch(() => db.close());
  await opened;
  return db;
}

/** Does `work` once no other process is in its way. SQLite's own `busy_timeout` would block the event loop meanwhile. */
export async function whenFree<T>(timeoutMs: number, work: () => T | Promise<T>): Promise<T> {
  await nextTurn(); // SQLite blocks the event loop: between two calls timers and sockets have their turn
  for (const end = performance.now() + timeoutMs; ;) {
    try {
      return await work();
    } catch (error) {
      if ((Object(error).errcode & 0xff) !== BUSY || performance.now() >= end) throw error;
    }
    await elapse(1 + Math.random() * 20); // random, so that processes do not wait in step
  }
}

/** All of `work` or nothing. IMMEDIATE: once it has read something, nobody else may write. */
export function transaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } finally {
    if (db.isTransaction) db.exec('ROLLBACK');
  }
}
