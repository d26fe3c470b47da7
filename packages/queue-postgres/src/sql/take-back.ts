import type { Statement } from '../database.ts';
import { type JobTable, quoted, statementName } from './table.ts';
import { tell } from './tell.ts';

/**
 * Takes back jobs whose lease has ended: they are ready again, and from then on.
 *
 * $1 queue, $2 lock, $3 channel. Keeps: a thousand in one call, so that no call holds up others for long.
 */
export function takeBack(table: JobTable): Statement {
  const jobs = quoted(table);
  return {
    name: statementName('take back', table),
    text: `
      WITH lapsed AS (
        UPDATE ${jobs}
        SET state = 'retry', created_on = start_after
        WHERE ctid = ANY (ARRAY(
          SELECT ctid FROM ${jobs}
          WHERE name = $1 AND state = 'active' AND NOT blocked AND start_after <= now()
          ORDER BY start_after LIMIT 1000
          FOR UPDATE SKIP LOCKED
        ))
        RETURNING start_after
      ), first AS (
        SELECT min(start_after) AS at FROM lapsed
      )
      SELECT ${tell('$2', '$3')} FROM first WHERE at IS NOT NULL`,
  };
}
