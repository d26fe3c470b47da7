import { NO_LIMIT } from './table.ts';

/** What both statements that lease have in common. $1 is the queue. */
export const waiting = `name = $1 AND state < 'active' AND NOT blocked`;

/** Makes a waiting job a leased one. `ms`: the parameter with the length of the lease. */
export const LEASE = (ms: string) =>
  `state = 'active', retry_count = retry_count + 1, started_on = now(),
          start_after = clock_timestamp() + ${ms}::float8 * interval '1 millisecond'`;

export const LEASED_COLUMNS =
  'id, ctid, retry_count, retry_limit, priority, data, created_on, source_created_on, output';

/** Rows of `leased` as an answer has them: what, id, place, token, attempt, priority, data, ready at, enqueued at, output. */
export const leasedRows = `SELECT 'leased', id, ctid, retry_count, retry_count - greatest(retry_limit - ${NO_LIMIT}, 0), priority, data,
        extract(epoch FROM created_on)::float8 * 1000000, extract(epoch FROM source_created_on)::float8 * 1000, output
      FROM leased`;
