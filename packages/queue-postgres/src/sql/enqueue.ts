import type { Statement } from '../database.ts';
import { type JobTable, NEVER_EXPIRES, NO_LIMIT, quoted, statementName } from './table.ts';
import { tell } from './tell.ts';

/**
 * Stores jobs; ids that are stored already are left as they are.
 *
 * $1 queue, $2 ids, $3 priorities (of pg-boss), $4 delays in ms, $5 data, $6 seconds that a dead letter is kept, $7 lock,
 * $8 channel
 *
 * Keeps: jobs of one call stand in the order of the call, a microsecond apart: it takes longer to store them. An id is one
 * job, however often and by however many it is added.
 */
export function enqueue(table: JobTable): Statement {
  return {
    name: statementName('enqueue', table),
    text: `
      WITH jobs AS (
        SELECT id, priority, data, n, now() + (ceil(delay_ms * 1000) + n - 1) * interval '1 microsecond' AS due
        FROM unnest($2::uuid[], $3::int[], $4::float8[], $5::jsonb[]) WITH ORDINALITY AS job (id, priority, delay_ms, data, n)
      ), added AS (
        INSERT INTO ${quoted(table)} (id, name, priority, data, state, policy, retry_limit, expire_seconds, deletion_seconds, keep_until,
          source_created_on, created_on, start_after)
        SELECT id, $1::text, priority, data, 'created', 'standard', ${NO_LIMIT}, ${NEVER_EXPIRES}, $6::int, 'infinity',
          now(), due, due
        FROM jobs ORDER BY n
        ON CONFLICT (name, id) DO NOTHING
        RETURNING start_after
      ), first AS (
        SELECT min(start_after) AS at FROM added
      )
      SELECT ${tell('$7', '$8')} FROM first WHERE at IS NOT NULL`,
  };
}
