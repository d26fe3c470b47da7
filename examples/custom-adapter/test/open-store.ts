import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AdapterContext, NewJob } from '@switchyard/queue-api';
import { sqliteAdapter } from '../src/sqlite-adapter.ts';

/** A path in a folder of its own, which is deleted with everything in it. */
export function temporaryFile(): { readonly path: string } & Disposable {
  const folder = mkdtempSync(join(tmpdir(), 'queue-sqlite-'));
  return { path: join(folder, 'jobs.db'), [Symbol.dispose]: () => rmSync(folder, { recursive: true }) };
}

/** A connection to a file, and one queue in it. */
export async function openStore(path: string, caps: Partial<AdapterContext['deadLetters']> = {}) {
  const deadLetters = { maxAgeMs: 1_000_000, maxCount: 1_000, ...caps };
  const store = await sqliteAdapter.connect({ path }, { instance: 'test', deadLetters, report: () => {} });
  const queue = await store.open({ plugin: '', name: 'work' });
  return { store, queue, [Symbol.asyncDispose]: () => store.close({ timeoutMs: 1_000 }) };
}

export function newJob(job: Partial<NewJob> = {}): NewJob {
  return { id: crypto.randomUUID(), body: '{}', headers: {}, priority: 20, delayMs: 0, ...job };
}
