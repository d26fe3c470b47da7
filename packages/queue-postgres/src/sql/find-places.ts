import type { Statement } from '../database.ts';
import { type JobTable, quoted } from './table.ts';

/**
 * Where leased jobs are by now: what rewrites the table moves them all, and a renewal whose answer was lost has moved some.
 *
 * $1 queue, $2 ids. Rows: id and place. Asked so seldom that it has no name: it is planned for the table as it is.
 */
export function findPlaces(table: JobTable): Statement {
  return {
    name: '',
    text: `SELECT id, ctid FROM ${quoted(table)} WHERE name = $1 AND id = ANY ($2::uuid[])`,
  };
}
