import { appendFileSync, existsSync, readFileSync } from 'node:fs';

/** What a worker did, in the order in which it happened. */
export interface LedgerEntry {
  readonly event: 'started' | 'finished';
  readonly id: string;
  readonly attempt: number;
  readonly pid: number;
}

/** A file that workers append to, and that outlives them: each line is one write, so a kill cannot cut one in two. */
export class Ledger {
  readonly file: string;

  constructor(file: string) {
    this.file = file;
  }

  record(event: LedgerEntry['event'], { id, attempt }: { readonly id: string; readonly attempt: number }): void {
    appendFileSync(this.file, `${JSON.stringify({ event, id, attempt, pid: process.pid })}\n`);
  }

  entries(): LedgerEntry[] {
    if (!existsSync(this.file)) return [];
    const lines = readFileSync(this.file, 'utf8').split('\n');
    return lines.filter(line => line !== '').map(line => JSON.parse(line) as LedgerEntry);
  }

  started(): LedgerEntry[] {
    return this.entries().filter(({ event }) => event === 'started');
  }

  finished(): LedgerEntry[] {
    return this.entries().filter(({ event }) => event === 'finished');
  }

  /** Runs that have begun and not ended, or never will. */
  unfinished(): LedgerEntry[] {
    const ended = new Set(this.finished().map(run => `${run.id} ${run.attempt} ${run.pid}`));
    return this.started().filter(run => !ended.has(`${run.id} ${run.attempt} ${run.pid}`));
  }
}
