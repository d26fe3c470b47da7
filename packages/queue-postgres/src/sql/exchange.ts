import type { Statement } from '../database.ts';
import { HELD, type JobTable, NO_LIMIT, quoted, statementName } from './table.ts';
import { tell } from './tell.ts';

/**
 * Carries out settlements and leases jobs: one round trip, and one transaction, for a busy worker. Either part may be empty.
 *
 * $1 queue; $2 to $4 places, ids and tokens of acknowledgements; $5 most jobs to lease, $6 length of a lease in ms. With
 * `returns` also $7 to $12 of each other settlement the place, the id, the token, the kind (`retry`, `release`, `dead`), the
 * delay in ms, and the note as JSON or null to keep the one there is; $13 lock, $14 channel. Most calls do without: each part
 * of a statement costs, also one that has nothing to do.
 *
 * Rows: `settled` and the id and token of each settlement that was carried out; `leased` and the job, in no order; and where jobs were
 * asked for and there are none, `due` and in how many ms there may be one, null for nothing known.
 *
 * Keeps: only who holds the lease settles: the token is compared, and the row is locked. Jobs whose lease has ended are ready
 * again from then on; what this call takes back the next one hands out. Jobs that another call has locked are passed over,
 * for it takes them or they have come back, and who brings them back tells.
 *
 * Ready jobs are looked for priority by priority, the highest first: within one they are a range of the index, so that jobs
 * which are not due yet cost nothing, however many there are. The orders say more than they need to (`start_after` is the
 * same as `created_on` there), so that one index alone fits each.
 */
export function exchange(table: JobTable, { returns }: { readonly returns: boolean }): Statement {
  const jobs = quoted(table);
  const waiting = `name = $1 AND state < 'active' AND NOT blocked`;
  const firstDue = (state: string) =>
    `(SELECT start_after FROM ${jobs} WHERE name = $1 AND state = '${state}' AND NOT blocked ORDER BY start_after LIMIT 1)`;
  return {
    name: statementName(returns ? 'exchange all' : 'exchange', table),
    text: `
      WITH RECURSIVE acknowledged AS (
        DELETE FROM ${jobs} job
        USING unnest($3::uuid[], $4::int[]) AS held (id, token)
        WHERE job.ctid = ANY ($2::tid[]) AND ${HELD}
        RETURNING job.id, job.retry_count
      )${returns ? returned(table) : ''}, levels (priority) AS (
        (SELECT priority FROM ${jobs} WHERE ${waiting} AND $5 > 0 ORDER BY priority DESC LIMIT 1)
        UNION ALL
        SELECT (SELECT priority FROM ${jobs} WHERE ${waiting} AND priority < level.priority ORDER BY priority DESC LIMIT 1)
        FROM levels level WHERE level.priority IS NOT NULL
      ), leased AS (
        UPDATE ${jobs}
        SET state = 'active', retry_count = retry_count + 1, started_on = now(),
          start_after = clock_timestamp() + $6::float8 * interval '1 millisecond'
        WHERE ctid = ANY (ARRAY(
          SELECT ready.place FROM levels level, LATERAL (
            SELECT ctid AS place FROM ${jobs}
            WHERE ${waiting} AND priority = level.priority AND created_on <= now()
            ORDER BY created_on, start_after LIMIT $5
            FOR UPDATE SKIP LOCKED
          ) ready LIMIT $5
        ))
        RETURNING id, ctid, retry_count, retry_limit, priority, data, created_on, source_created_on, output
      )
      SELECT 'settled', id, NULL::tid, retry_count, NULL::int, NULL::int, NULL::jsonb, NULL::float8, NULL::float8, NULL::jsonb
      FROM (
        SELECT id, retry_count FROM acknowledged${returns ? ' UNION ALL SELECT id, retry_count FROM returned' : ''}
      ) settled
      UNION ALL
      SELECT 'leased', id, ctid, retry_count, retry_count - greatest(retry_limit - ${NO_LIMIT}, 0), priority, data,
        extract(epoch FROM created_on)::float8 * 1000000, extract(epoch FROM source_created_on)::float8 * 1000, output
      FROM leased
      UNION ALL
      SELECT 'due', NULL, NULL, NULL, NULL, NULL, NULL, ${inMs(`least(${firstDue('created')}, ${firstDue('retry')})`)},
        ${inMs(firstDue('active'))}, NULL
      WHERE $5 > 0 AND NOT EXISTS (SELECT FROM leased)${returns ? told : ''}`,
  };
}

function inMs(time: string): string {
  return `ceil(extract(epoch FROM ${time} - now()) * 1000)::float8`;
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
          FROM unnest($8::uuid[], $9::int[], $10::text[], $11::float8[], $12::jsonb[]) AS back (id, token, kind, delay_ms, note)
        ) held
        WHERE job.ctid = ANY ($7::tid[]) AND ${HELD}
        RETURNING job.id, job.retry_count, job.state, job.start_after
      )`;
}

const told = `
      UNION ALL
      SELECT 'told', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL
      FROM (SELECT min(start_after) AS at FROM returned WHERE state = 'retry') first
      WHERE at IS NOT NULL AND (${tell('$13', '$14')}) IS NOT NULL`;
