import { randomUUID } from 'node:crypto';
import type { EventEmitter } from 'node:events';
import type { DatabaseSync, StatementResultingChanges, StatementSync } from 'node:sqlite';
import { setTimeout as elapse } from 'node:timers/promises';
import type * as api from '@switchyard/queue-api';
import { LOCK_WAIT_MS, transaction, whenFree } from './database.ts';
import { STATEMENTS } from './sql.ts';

/** How soon a waiting worker notices what another process did. */
const POLL_MS = 250;

/** A receipt: a row, and the token that it has until somebody else gets the job. */
type Lease = Readonly<{ seq: number; token: string }>;
type Envelope = Pick<api.JobDelivery, 'id' | 'body' | 'priority' | 'enqueuedAt' | 'attempt'>;
type Row = Lease & Envelope & Readonly<{ headers: string; note: string | null; readyAt: number }>;

/** `changes` emits the key of each queue that this process has changed. */
type Connection = Readonly<{ db: DatabaseSync; changes: EventEmitter; deadLetters: api.AdapterContext['deadLetters'] }>;

export async function openQueue(queue: string, { db, changes, deadLetters }: Connection): Promise<api.StoreQueue> {
  const prepared = Object.entries(STATEMENTS).map(([name, text]) => [name, db.prepare(text)]);
  const sql = Object.fromEntries(prepared) as Record<keyof typeof STATEMENTS, StatementSync>;
  const after = (ms: number) => Date.now() + Math.ceil(ms);
  const place = (delayMs: number) => ({ state: delayMs > 0 ? 'delayed' : 'ready', at: after(delayMs) });
  const forget = () => sql.forget.run({ queue, oldest: after(-deadLetters.maxAgeMs), max: deadLetters.maxCount });
  let closed = false;

  function add({ id, body, headers, priority, delayMs }: api.NewJob): api.Outcome {
    sql.insert.run({ queue, id, body, headers: JSON.stringify(headers), priority, now: Date.now(), ...place(delayMs) });
    return { ok: true }; // also when the id is there already
  }

  function lease(max: number, leaseMs: number): api.Delivery[] {
    sql.promote.run({ queue, now: Date.now() });
    const rows = sql.lease.all({ queue, max, token: randomUUID(), until: after(leaseMs) }) as unknown as Row[];
    rows.sort((a, b) => a.priority - b.priority || a.readyAt - b.readyAt || a.seq - b.seq); // RETURNING keeps no order
    return rows.map(deliveryOf);
  }

  function settle(settlements: readonly api.Settlement[]): api.Outcome[] {
    const outcomes = settlements.map(settlement => {
      const held = settlement.receipt as Lease;
      if (settlement.kind === 'ack') return answer(sql.ack.run(held));
      const { kind, delayMs, note = null } = { delayMs: 0, ...settlement };
      const change = { ...held, ...place(delayMs), note, released: kind === 'release' ? 1 : 0 };
      return answer(sql.change.run(kind === 'dead' ? { ...change, state: 'dead' } : change));
    });
    if (settlements.some(({ kind }) => kind === 'dead')) forget();
    return outcomes;
  }

  async function write<T>(timeoutMs: number, work: () => T): Promise<T> {
    const result = await whenFree(timeoutMs, () => transaction(db, work));
    changes.emit(queue);
    return result;
  }

  /** Resolves after `ms`, at the signal, or when this process changes the queue. */
  async function nextChange(ms: number, signal: AbortSignal): Promise<undefined> {
    const woken = new AbortController();
    const wake = () => woken.abort();
    signal.addEventListener('abort', wake);
    changes.on(queue, wake);
    await elapse(ms, undefined, { signal: woken.signal }).catch(() => {});
    signal.removeEventListener('abort', wake);
    changes.off(queue, wake);
  }

  await write(LOCK_WAIT_MS, forget);
  return {
    enqueue: (jobs, { timeoutMs }) => write(timeoutMs, () => jobs.map(add)),
    async reserve({ max, leaseMs, waitMs, signal }) {
      const end = performance.now() + waitMs;
      for (;;) {
        // No `await` between looking and waiting: a job that was added there would wake nobody.
        const deliveries = await whenFree(LOCK_WAIT_MS, () => {
          if (signal.aborted || closed) return [];
          const nextAt = Number(sql.nextAt.get({ queue })?.['at']);
          const leased = nextAt < Date.now() ? transaction(db, () => lease(max, leaseMs)) : [];
          const leftMs = end - performance.now();
          if (leased.length > 0 || leftMs <= 0) return leased;
          return nextChange(Math.max(1, Math.min(leftMs, POLL_MS, nextAt + 1 - Date.now())), signal);
        });
        if (deliveries !== undefined) return deliveries;
      }
    },
    settle: (settlements, { timeoutMs }) => write(timeoutMs, () => settle(settlements)),
    exchange: (settlements, { max, leaseMs, timeoutMs }) =>
      write(timeoutMs, () => ({ outcomes: settle(settlements), deliveries: lease(max, leaseMs) })),
    extend: (receipts, leaseMs, { timeoutMs }) =>
      write(timeoutMs, () =>
        receipts.map(held => answer(sql.extend.run({ ...(held as Lease), until: after(leaseMs) }))),
      ),
    counts: () => whenFree(LOCK_WAIT_MS, () => sql.counts.get({ queue, now: Date.now() }) as unknown as api.JobCounts),
    async close() {
      closed = true;
      changes.emit(queue);
    },
  };
}

function answer({ changes }: StatementResultingChanges): api.Outcome {
  return changes === 1 ? { ok: true } : { ok: false, code: 'lease-lost' };
}

/** A row that somebody else has written must not stop those behind it (rule 19). */
function deliveryOf({ seq, token, id, body, priority, attempt, enqueuedAt, note, ...row }: Row): api.Delivery {
  const receipt: Lease = { seq, token };
  try {
    const headers = { ...(JSON.parse(row.headers) as Record<string, string>) };
    return { kind: 'job', id, body, headers, priority, attempt, enqueuedAt, receipt, ...(note !== null && { note }) };
  } catch {
    return { kind: 'unreadable', why: `The headers of job ${id} are not JSON`, receipt };
  }
}
