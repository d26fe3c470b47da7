import type { Statement } from '../database.ts';
import { LEASE, LEASED_COLUMNS, leasedRows, waiting } from './leasing.ts';
import { HELD, type JobTable, quoted, statementName } from './table.ts';
import { tell } from './tell.ts';

/**
 * Carries out settlements and leases the next jobs: one round trip, and one transaction, for a busy worker. Either part may be
 * empty.
 *
 * $1 queue; $2 and $3 places and keys (id and token) of acknowledgements; $4 most jobs to lease, $5 length of a lease in ms.
 * With `returns` also $6 to $11 of each other settlement the place, the id, the token, the kind (`retry`, `release`, `dead`),
 * the delay in ms, and the note as JSON or null to keep the one there is; $12 lock, $13 channel. Most calls do without: each
 * part of a statement costs, also one that has nothing to do.
 *
 * Rows: `settled` and the id and token of each settlement that was carried out; `leased` and the job, in no order; `behind`
 * where a job that is not due yet was in the way, so that there may be more.
 *
 * Keeps: only who holds the lease settles: the token is compared, and the row is locked. Jobs whose lease has ended are ready
 * again from then on; what this call takes back the next one hands out. Only the front of the line is looked at, once: what
 * has been there lately and is gone costs each look. Who is not due there is passed over; `lease` finds what is behind.
 */
export function exchange(table: JobTable, { returns }: { readonly returns: boolean }): Statement {
  const jobs = quoted(table);
  return {
    name: statementName(returns ? 'exchange all' : 'exchange', table),
    text: `
      WITH acknowledged AS (
        DELETE FROM ${jobs}
        WHERE ctid = ANY ($2::tid[]) AND id || ' ' || retry_count = ANY ($3::text[]) AND state::text = 'active'
        RETURNING id, retry_count
      )${returns ? returned(table) : ''}, front AS (
        SELECT ctid AS place, created_on <= now() AS is_due FROM ${jobs} WHERE ${waiting}
        ORDER BY priority DESC, created_on, start_after LIMIT $4
        FOR UPDATE SKIP LOCKED
      ), leased AS (
        UPDATE ${jobs} SET ${LEASE('$5')}
        WHERE ctid = ANY (ARRAY(SELECT place FROM front WHERE is_due))
        RETURNING ${LEASED_COLUMNS}
      )
      SELECT 'settled', id, NULL::tid, retry_count, NULL::int, NULL::int, NULL::jsonb, NULL::float8, NULL::float8, NULL::jsonb
      FROM (
        SELECT id, retry_count FROM acknowledged${returns ? ' UNION ALL SELECT id, retry_count FROM returned' : ''}
      ) settled
      UNION ALL
      ${leasedRows}
      UNION ALL
      SELECT 'behind', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      WHERE EXISTS (SELECT FROM front WHERE NOT is_due)${returns ? told : ''}`,
  };
}

function returned(table: JobTable): string {
  return `, returned AS (
        UPDATE ${quoted(table)} job
        SET state = (CASE kind WHEN 'dead' THEN 'failed' ELSE 'retry' END)::"${table.schema}".job_state,
          retry_limit = job.retry_limit + (kind = 'release')::int,
          -- Only what is handed back at once keeps its place in the order.
          created_on = CASE kind WHEN 'dead' THEN COALESCE(job.source_created_on, job.created_on)
            ELSE COALESCE(moved_to, job.created_on) END,
          start_after = COALESCE(moved_to, job.created_on),
          completed_on = CASE kind WHEN 'dead' THEN clock_timestamp() END,
          output = COALESCE(note, job.output)
        FROM (
          SELECT id, token, kind, note, CASE WHEN kind <> 'release' OR delay_ms > 0
            THEN clock_timestamp() + ceil(delay_ms * 1000) * interval '1 microsecond' END AS moved_to
          FROM unnest($7::uuid[], $8::int[], $9::text[], $10::float8[], $11::jsonb[]) AS back (id, token, kind, delay_ms, note)
        ) held
        WHERE job.ctid = ANY ($6::tid[]) AND ${HELD}
        RETURNING job.id, job.retry_count, job.state, job.start_after
      )`;
}

const told = `
      UNION ALL
      SELECT 'told', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM (SELECT min(start_after) AS at FROM returned WHERE state = 'retry') first
      WHERE at IS NOT NULL AND (${tell('$12', '$13')}) IS NOT NULL`;
