import type { Statement } from '../database.ts';
import { HELD, type JobTable, quoted, statementName } from './table.ts';

/**
 * Renews leases: they end so long from now.
 *
 * $1 to $3 places, ids and tokens; $4 length of a lease in ms. Rows: of those that are still held, the ids, the tokens and the
 * new places.
 */
export function extend(table: JobTable): Statement {
  return {
    name: statementName('extend', table),
    text: `
      UPDATE ${quoted(table)} job
      SET start_after = clock_timestamp() + $4::float8 * interval '1 millisecond'
      FROM unnest($2::uuid[], $3::int[]) AS held (id, token)
      WHERE job.ctid = ANY ($1::tid[]) AND ${HELD}
      RETURNING job.id, job.retry_count, job.ctid`,
  };
}
