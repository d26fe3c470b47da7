import type { Statement } from '../database.ts';
import { type JobTable, quoted, statementName } from './table.ts';
import { LEASE, LEASED_COLUMNS, leasedRows, waiting } from './leasing.ts';

/**
 * Leases jobs, whatever waits in front of them.
 *
 * $1 queue, $2 most jobs, $3 length of a lease in ms.
 *
 * Rows: `leased` and the job, in no order; where there is none, `due` and in how many ms there may be one, null for nothing
 * known, and in how many ms a lease ends.
 *
 * Keeps: ready jobs are looked for priority by priority, the highest first: within one they are a range of the index, so that
 * jobs which are not due yet cost nothing, however many there are. Jobs that another call has locked are passed over, for it
 * takes them or they have come back, and who brings them back tells. The orders say more than they need to (`start_after` is
 * the same as `created_on` there), so that one index alone fits each.
 */
export function lease(table: JobTable): Statement {
  const jobs = quoted(table);
  const firstDue = (state: string) =>
    `(SELECT start_after FROM ${jobs} WHERE name = $1 AND state = '${state}' AND NOT blocked ORDER BY start_after LIMIT 1)`;
  return {
    name: statementName('lease', table),
    text: `
      WITH RECURSIVE levels (priority) AS (
        (SELECT priority FROM ${jobs} WHERE ${waiting} ORDER BY priority DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT priority FROM ${jobs} WHERE ${waiting} AND priority < level.priority ORDER BY priority DESC LIMIT 1)
        FROM levels level WHERE level.priority IS NOT NULL
      ), leased AS (
        UPDATE ${jobs} SET ${LEASE('$3')}
        WHERE ctid = ANY (ARRAY(
          SELECT ready.place FROM levels level, LATERAL (
            SELECT ctid AS place FROM ${jobs}
            WHERE ${waiting} AND priority = level.priority AND created_on <= now()
            ORDER BY created_on, start_after LIMIT $2
            FOR UPDATE SKIP LOCKED
          ) ready LIMIT $2
        ))
        RETURNING ${LEASED_COLUMNS}
      )
      ${leasedRows}
      UNION ALL
      SELECT 'due', NULL, NULL, NULL, NULL, NULL, NULL, ${inMs(`least(${firstDue('created')}, ${firstDue('retry')})`)},
        ${inMs(firstDue('active'))}, NULL
      WHERE NOT EXISTS (SELECT FROM leased)`,
  };
}

function inMs(time: string): string {
  return `ceil(extract(epoch FROM ${time} - now()) * 1000)::float8`;
}
