import { EventEmitter } from 'node:events';
import type { QueueAdapter, QueueErrorCode, StoreCapabilities } from '@switchyard/queue-api';
import { z } from 'zod';
import { openDatabase } from './database.ts';
import { openQueue } from './sqlite-queue.ts';

/** Jobs in one SQLite file, for any number of processes of one machine: `defaultStore: sqlite`. */
export const sqliteAdapter: QueueAdapter<{ path: string }> = {
  // A number, not the constant of queue-api: it says what this code was written for, not what is installed.
  contract: 1,
  store: 'sqlite',
  config: z.object({ path: z.string().min(1) }).catchall(z.undefined('unknown key')),
  async connect({ path }, { deadLetters }) {
    const db = await openDatabase(path);
    const changes = new EventEmitter().setMaxListeners(0);
    return {
      capabilities,
      classify,
      // No name has a slash in it, so no two queues share a key (rule 3).
      open: ({ plugin, name }) => openQueue(`${plugin}/${name}`, { db, changes, deadLetters }),
      async close() {
        if (db.isOpen) db.close();
        // Whoever waits finds the file closed.
        for (const queue of changes.eventNames()) changes.emit(queue);
      },
    };
  },
};

const capabilities: StoreCapabilities = {
  // A batch is one transaction, during which the event loop stands still, and a file has one writer at a time.
  maxBatch: { enqueue: 500, reserve: 500, settle: 500 },
  parallel: { enqueue: 1, reserve: 1, settle: 1 },
  maxBodyBytes: 16 * 1024 * 1024,
  delayResolutionMs: 1,
  leaseResolutionMs: 1,
  priority: 'strict',
  order: 'ready',
  counts: 'exact',
  durable: true,
  shared: true,
  countsCrashes: true,
  freeRelease: true,
  keepsNote: true,
  knowsIds: true,
  leaseScope: 'job',
};

function classify(error: unknown): QueueErrorCode {
  const kind = Object(error).errcode & 0xff; // the rest of SQLite's extended result codes are details
  if ([5, 13, 14].includes(kind)) return 'unavailable'; // BUSY, FULL, CANTOPEN: rolled back, nothing has happened
  if ([3, 8].includes(kind)) return 'denied'; // PERM, READONLY
  if (kind === 10) return 'unknown-outcome'; // IOERR: may come after the commit was written
  // Not SQLite's: the connection was closed here, or the operating system said no (`ECONNRESET` and the like).
  return /^(ERR_INVALID_STATE|E[A-Z]+)$/.test(String(Object(error).code)) ? 'unavailable' : 'rejected';
}
