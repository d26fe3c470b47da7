import type { Statement } from '../database.ts';
import { counts } from './counts.ts';
import { enqueue } from './enqueue.ts';
import { exchange } from './exchange.ts';
import { extend } from './extend.ts';
import { findPlaces } from './find-places.ts';
import type { JobTable } from './table.ts';

/** All that the store does to a job table. */
export interface Statements {
  readonly enqueue: Statement;
  readonly exchange: Statement;
  readonly extend: Statement;
  readonly counts: Statement;
  readonly findPlaces: Statement;
}

export function statementsFor(table: JobTable): Statements {
  return {
    enqueue: enqueue(table),
    exchange: exchange(table),
    extend: extend(table),
    counts: counts(table),
    findPlaces: findPlaces(table),
  };
}
