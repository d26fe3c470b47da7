import type { AdapterContext } from '@switchyard/queue-api';
import type { Database } from './database.ts';
import { COLUMNS, INDEXES, PRIMARY_KEY } from './sql/table.ts';

/**
 * Refuses a job table that is not as our statements need it, and says what differs. Versions of pg-boss are not compared: a
 * replica goes on while a newer one migrates what is none of our business. pg-boss builds indexes in the background after a
 * migration; until one is there everything is right, but slower.
 */
export async function checkSchema(
  database: Database,
  schema: string,
  table: string,
  report: AdapterContext['report'],
): Promise<void> {
  const [columns, indexes, builds] = await Promise.all([
    database.executeSql(
      `SELECT attname AS name, format_type(atttypid, NULL) AS type FROM pg_attribute
        WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped`,
      [`${schema}.${table}`],
    ),
    database.executeSql('SELECT indexdef FROM pg_indexes WHERE schemaname = $1 AND tablename = $2', [schema, table]),
    database.executeSql(`SELECT FROM ${schema}.bam WHERE table_name = $1 AND status <> 'completed'`, [table]),
  ]);
  const found = new Map(columns.rows.map(({ name, type }) => [name, String(type).replace(`${schema}.`, '')]));
  const definitions = indexes.rows.map(({ indexdef }) => String(indexdef));
  const isThere = (pattern: RegExp) => definitions.some(definition => pattern.test(definition));
  const missing = Object.entries(INDEXES).flatMap(([purpose, pattern]) => (isThere(pattern) ? [] : [purpose]));
  const areBeingBuilt = builds.rows.length > 0;
  const differences = [
    ...Object.entries(COLUMNS).flatMap(([name, type]) =>
      found.get(name) === type ? [] : [`column ${name} is ${found.get(name) ?? 'missing'}, not ${type}`],
    ),
    ...(isThere(PRIMARY_KEY) ? [] : ['its primary key is not (name, id)']),
    ...(areBeingBuilt ? [] : missing.map(purpose => `there is no index for ${purpose}`)),
  ];
  if (differences.length > 0) {
    throw new Error(
      `The table ${schema}.${table} is not as this version of @switchyard/queue-postgres needs it: ${differences.join('; ')}. ` +
        'Install the versions of @switchyard/queue-postgres and pg-boss that fit, or give postgres.schema another name',
    );
  }
  if (missing.length === 0) return;
  const message = `Until pg-boss has built the index for ${missing.join(' and ')} of ${schema}.${table}, jobs are found slowly`;
  report({ level: 'warning', code: 'index-missing', message });
}
