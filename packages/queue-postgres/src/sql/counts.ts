import type { Statement } from '../database.ts';
import { type JobTable, quoted, statementName } from './table.ts';

/** $1 queue. One row: waiting, delayed, active, dead. Whose lease has ended is waiting. */
export function counts(table: JobTable): Statement {
  return {
    name: statementName('counts', table),
    text: `
      SELECT
        count(*) FILTER (WHERE state <= 'active' AND start_after <= now())::float8,
        count(*) FILTER (WHERE state < 'active' AND start_after > now())::float8,
        count(*) FILTER (WHERE state = 'active' AND start_after > now())::float8,
        count(*) FILTER (WHERE state = 'failed')::float8
      FROM ${quoted(table)}
      WHERE name = $1 AND state IN ('created', 'retry', 'active', 'failed')`,
  };
}
