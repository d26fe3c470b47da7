import type { Outcome, QueueErrorCode, Receipt, Settlement } from '@switchyard/queue-api';
import { classify } from './classify.ts';
import { Deadline, inTime } from './in-time.ts';
import { NoAnswerError } from './kafka/errors.ts';
import { deadForeignRecord, deadJobRecord, movedRecord, type ReadJob, sameRecord } from './job-record.ts';
import type { JobSource } from './job-source.ts';
import type { RecordToWrite } from './kafka/record-batch-writer.ts';
import { Lease } from './lease.ts';
import type { Destination, Mover } from './mover.ts';

export interface SettlerOptions {
  readonly source: JobSource;
  readonly mover: Mover;
  readonly holds: () => boolean;
  /** Asks the group. Rejects when nobody answers in time. */
  readonly confirm: (timeoutMs: number) => Promise<boolean>;
  /** Something is finished and can be committed. */
  readonly finished: () => void;
}

const OK: Outcome = Object.freeze({ ok: true });
const LOST: Outcome = Object.freeze({ ok: false, code: 'lease-lost' });
/** How long brokers may take to store something that they may have already. */
const MOVE_MS = 120_000;
const PATIENCE_MS = 2000;

/** Carries out what the engine has decided. What goes elsewhere is stored there before it is finished here. */
export class Settler {
  readonly #options: SettlerOptions;

  constructor(options: SettlerOptions) {
    this.#options = options;
  }

  /** Everything that needs nobody to be asked, at once; `undefined` if something does. */
  settleNow(settlements: readonly Settlement[]): Outcome[] | undefined {
    if (!this.#options.holds() || !settlements.every(isLocal)) return undefined;
    return this.#locally(settlements);
  }

  async settle(settlements: readonly Settlement[], timeoutMs: number): Promise<Outcome[]> {
    const deadline = new Deadline(timeoutMs);
    if (!this.#options.holds()) await this.#options.confirm(timeoutMs);
    const outcomes = this.#locally(settlements);
    const moves: { readonly index: number; readonly lease: Lease; readonly to: Destination }[] = [];
    for (const [index, settlement] of settlements.entries()) {
      const lease = leaseOf(settlement.receipt);
      if (isLocal(settlement) || lease?.holds !== true) continue;
      moves.push({ index, lease, to: destinationOf(settlement, lease) });
    }
    if (moves.length === 0) return outcomes;
    // One that is under way already is what this one says again.
    const fresh = new Map<Lease, Destination>();
    for (const { lease, to } of moves) if (lease.moving === undefined && !fresh.has(lease)) fresh.set(lease, to);
    this.#move(fresh);
    // Jobs that were done in the same call do not wait for it, nor do the next; the engine asks again.
    const patienceMs = Math.max(1, Math.min(deadline.left, PATIENCE_MS));
    const late = () => new NoAnswerError('a produce', new Error('there was no time to wait longer'));
    await Promise.all(
      moves.map(async ({ index, lease }) => {
        const moving = lease.moving ?? Promise.resolve(undefined);
        const error = await inTime(moving, patienceMs, late).catch((reason: Error) => reason);
        outcomes[index] = error === undefined ? OK : refused(error);
      }),
    );
    return outcomes;
  }

  /** Also after whoever asked for it has given up: what is sent again under another number is stored twice. */
  #move(destinations: ReadonlyMap<Lease, Destination>): void {
    const moves = [...destinations.keys()].map(lease => {
      const { promise, resolve } = Promise.withResolvers<Error | undefined>();
      lease.moving = promise;
      return { lease, resolve };
    });
    const tell = (index: number, error: Error | undefined) => {
      const { lease, resolve } = moves[index] as (typeof moves)[number];
      lease.moving = undefined;
      if (error === undefined) this.#finish(lease);
      resolve(error);
    };
    const has = (index: number) => moves[index]?.lease.reader.isOurs === true;
    const { holds, mover } = this.#options;
    void mover.move([...destinations.values()], MOVE_MS, tell, { holds, has });
  }

  async extend(receipts: readonly Receipt[], leaseMs: number, timeoutMs: number): Promise<Outcome[]> {
    const { holds, confirm, source } = this.#options;
    if (!holds()) await confirm(timeoutMs);
    return receipts.map(receipt => {
      const lease = leaseOf(receipt);
      return lease !== undefined && source.extend(lease, leaseMs) ? OK : LOST;
    });
  }

  #locally(settlements: readonly Settlement[]): Outcome[] {
    return settlements.map(settlement => {
      const lease = leaseOf(settlement.receipt);
      if (lease?.holds !== true) return LOST;
      if (settlement.kind === 'ack') return this.#finish(lease);
      if (isLocal(settlement)) this.#options.source.giveBack(lease);
      return OK;
    });
  }

  #finish(lease: Lease): Outcome {
    if (!lease.isOver) {
      this.#options.source.finish(lease);
      this.#options.finished();
    }
    return OK;
  }
}

/** What needs no request. */
function isLocal(settlement: Settlement): boolean {
  if (settlement.kind === 'ack') return true;
  return settlement.kind === 'release' && settlement.note === undefined && !((settlement.delayMs ?? 0) > 0);
}

function leaseOf(receipt: Receipt): Lease | undefined {
  return receipt instanceof Lease ? receipt : undefined;
}

function refused(error: Error): Outcome {
  const code: QueueErrorCode = classify(error);
  return { ok: false, code, message: error.message };
}

function destinationOf(settlement: Settlement, { taken }: Lease): Destination {
  const { content, enqueuedAt } = taken;
  if (settlement.kind === 'dead') return { kind: 'dead', record: deadRecordOf(settlement.note, taken) };
  // The engine lets nothing that it cannot read be tried again.
  if (content.kind === 'unreadable') return { kind: 'now', record: sameRecord(content.record) };
  const { waitMs: _wait, dueAt: _due, ...job } = content.job;
  const wasTried = settlement.kind === 'retry';
  const note = 'note' in settlement ? settlement.note : undefined;
  const delayMs = 'delayMs' in settlement ? (settlement.delayMs ?? 0) : 0;
  const next: ReadJob = {
    ...job,
    enqueuedAt,
    attempts: job.attempts + (wasTried ? 1 : 0),
    ...(note !== undefined && { note }),
  };
  if (delayMs > 0) return { kind: 'later', waitMs: delayMs, record: movedRecord({ ...next, waitMs: delayMs }) };
  return { kind: 'now', record: movedRecord(next) };
}

function deadRecordOf(note: string, { content, enqueuedAt }: Lease['taken']): RecordToWrite {
  if (content.kind === 'unreadable') return deadForeignRecord(content.record, { note, attempts: 1, enqueuedAt });
  return deadJobRecord(content.job, { note, attempts: content.job.attempts + 1, enqueuedAt });
}
