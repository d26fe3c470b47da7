import type { Database } from './database.ts';
import { COLUMNS, INDEXES } from './sql/table.ts';

/**
 * Refuses a job table that is not as our statements need it, and says what differs. Versions of pg-boss are not compared: a
 * replica goes on while a newer one migrates what is none of our business.
 */
export async function checkSchema(database: Database, schema: string, table: string): Promise<void> {
  const [columns, indexes] = await Promise.all([
    database.executeSql(
      `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
      [`${schema}.${table}`],
    ),
    database.executeSql('SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = $2', [schema, table]),
  ]);
  const found = new Map(columns.rows.map(({ name, type }) => [name, String(type).replace(`${schema}.`, '')]));
  const definitions = indexes.rows.map(({ indexdef }) => String(indexdef));
  const differences = [
    ...Object.entries(COLUMNS).flatMap(([name, type]) =>
      found.get(name) === type ? [] : [`column ${name} is ${found.get(name) ?? 'missing'}, not ${type}`],
    ),
    ...Object.entries(INDEXES).flatMap(([purpose, pattern]) =>
      definitions.some(definition => pattern.test(definition)) ? [] : [`there is no index for ${purpose}`],
    ),
  ];
  if (differences.length === 0) return;
  throw new Error(
    `The table ${schema}.${table} is not as this version of @switchyard/queue-postgres needs it: ${differences.join('; ')}. ` +
      'Install the versions of @switchyard/queue-postgres and pg-boss that fit, or give postgres.schema another name',
  );
}
