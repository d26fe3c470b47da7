import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What happened in a worker. `ready`: it takes jobs; `lost`: it was told that a job is no longer its own. */
export interface LedgerEntry {
  readonly event: 'ready' | 'started' | 'finished' | 'completed' | 'dead' | 'lost';
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
  /** When, in ms since 1970. */
  readonly at: number;
  /** The name of the error that a dead job died of. */
  readonly error?: string;
}

/** A file that workers append to, and that outlives them: each line is one write, so that a kill cannot cut one in two. */
export class Ledger {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  record(event: LedgerEntry['event'], { id, attempt, error }: Pick<LedgerEntry, 'id' | 'attempt' | 'error'>): void {
    const entry: LedgerEntry = {
      event,
      id,
      attempt,
      pid: process.pid,
      at: Date.now(),
      ...(error !== undefined && { error }),
    };
    appendFileSync(this.file, `${JSON.stringify(entry)}\n`);
  }

  entries(event: LedgerEntry['event']): LedgerEntry[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, 'utf8').split('\n');
    const entries = lines.filter(line => line !== '').map(line => JSON.parse(line) as LedgerEntry);
    return entries.filter(entry => entry.event === event);
  }

  started(): LedgerEntry[] {
    return this.entries('started');
  }

  finished(): LedgerEntry[] {
    return this.entries('finished');
  }

  /** Runs that have ended well, and after which their job was run to its end once more. */
  finishedAgain(): LedgerEntry[] {
    const finished = this.finished();
    const last = new Map(finished.map(run => [run.id, run]));
    return finished.filter(run => last.get(run.id) !== run);
  }

  /** Runs that have begun and not ended, or never will. */
  unfinished(): LedgerEntry[] {
    const ended = new Set(this.finished().map(nameOf));
    return this.started().filter(run => !ended.has(nameOf(run)));
  }
}

function nameOf({ id, attempt, pid }: LedgerEntry): string {
  return `${id} ${attempt} ${pid}`;
}
