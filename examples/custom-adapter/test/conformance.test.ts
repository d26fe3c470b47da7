import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describeAdapter } from '@switchyard/queue-conformance/vitest';
import { afterAll } from 'vitest';
import { sqliteAdapter } from '../src/sqlite-adapter.ts';

const folder = mkdtempSync(join(tmpdir(), 'queue-sqlite-'));
const path = join(folder, 'jobs.db');
afterAll(() => rmSync(folder, { recursive: true }));

describeAdapter('the store in a file', {
  adapter: sqliteAdapter,
  config: { path },
  concurrent: true,
  async injectForeign({ plugin, name }, bytes) {
    const file = new DatabaseSync(path, { timeout: 5_000 });
    const row = { queue: `${plugin}/${name}`, id: randomUUID(), body: bytes, now: Date.now() };
    file
      .prepare(
        `INSERT INTO job (queue, id, body, headers, priority, enqueuedAt, state, readyAt, dueAt)
         VALUES (:queue, :id, CAST(:body AS TEXT), '', 20, :now, 'ready', :now, :now)`,
      )
      .run(row);
    file.close();
  },
});
