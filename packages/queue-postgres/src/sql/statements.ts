import type { Statement } from '../database.ts';
import { counts } from './counts.ts';
import { enqueue } from './enqueue.ts';
import { exchange } from './exchange.ts';
import { extend } from './extend.ts';
import { findPlaces } from './find-places.ts';
import { lease } from './lease.ts';
import type { JobTable } from './table.ts';
import { takeBack } from './take-back.ts';

/** All that the store does to a job table. */
export interface Statements {
  readonly enqueue: Statement;
  /** Acknowledgements only. */
  readonly exchange: Statement;
  /** Any settlements. */
  readonly exchangeAll: Statement;
  readonly lease: Statement;
  readonly takeBack: Statement;
  readonly extend: Statement;
  readonly counts: Statement;
  readonly findPlaces: Statement;
}

export function statementsFor(table: JobTable): Statements {
  return {
    enqueue: enqueue(table),
    exchange: exchange(table, { returns: false }),
    exchangeAll: exchange(table, { returns: true }),
    lease: lease(table),
    takeBack: takeBack(table),
    extend: extend(table),
    counts: counts(table),
    findPlaces: findPlaces(table),
  };
}
