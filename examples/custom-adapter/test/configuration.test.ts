import { join } from 'node:path';
import { createQueueService } from '@switchyard/queue-service';
import { expect, it } from 'vitest';
import { sqliteAdapter } from '../src/sqlite-adapter.ts';
import { openStore, temporaryFile } from './open-store.ts';

it.each([
  [undefined, 'sqlite: '],
  [{}, 'sqlite.path: '],
  [{ path: '' }, 'sqlite.path: '],
  [{ path: 'jobs.db', pool: 5 }, 'sqlite.pool: unknown key'],
])('refuses the section %j and names the key', async (sqlite, message) => {
  const service = createQueueService({ adapters: [sqliteAdapter], defaultStore: 'sqlite', sqlite });
  await expect(service.getQueue('work')).rejects.toThrow(message);
});

it.each([':memory:', 'file:jobs?mode=memory'])('refuses %s, which is no file that processes share', async path => {
  await expect(openStore(path)).rejects.toThrow('allows no WAL');
});

it('refuses a folder that does not exist', async () => {
  using file = temporaryFile();
  await expect(openStore(join(file.path, 'jobs.db'))).rejects.toMatchObject({ errcode: 14 });
});
