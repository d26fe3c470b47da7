import type { AdapterContext } from '@switchyard/queue-api';
import { getConstructionPlans, getMigrationPlans, PgBoss } from 'pg-boss';
import type { PostgresConfig } from './config.ts';
import type { Database } from './database.ts';

export interface BossOptions {
  readonly config: PostgresConfig;
  readonly database: Database;
  readonly report: AdapterContext['report'];
}

/**
 * Starts pg-boss: it makes and migrates its schema, creates queues, and deletes dead letters that are old enough. It never
 * runs a job, and has no connections of its own.
 */
export async function startBoss({ config, database, report }: BossOptions): Promise<PgBoss> {
  if (!config.createSchema) await refuseOldSchema(config, database);
  const boss = new PgBoss({
    db: { executeSql: (text, values) => database.executeSql(text, values) },
    schema: config.schema,
    createSchema: config.createSchema,
    schedule: false,
  });
  // Without a listener an error would end the process.
  boss.on('error', cause => {
    report({
      level: 'warning',
      code: 'maintenance',
      message: 'The maintenance of pg-boss failed; it is tried again',
      cause,
    });
  });
  await boss.start();
  return boss;
}

/** Where we may not change the schema, pg-boss finds nothing to change, or the administrator is told what is to be done. */
async function refuseOldSchema({ schema }: PostgresConfig, database: Database): Promise<void> {
  const { rows } = await database.executeSql('SELECT to_regclass($1) IS NOT NULL AS exists', [`${schema}.version`]);
  if (rows[0]?.exists !== true) throw new SchemaError(schema, 'is not there', getConstructionPlans(schema));
  const versions = await database.executeSql(`SELECT version FROM ${schema}.version`);
  const installed = Number(versions.rows[0]?.version);
  const migration = migrationFrom(schema, installed);
  if (migration !== undefined)
    throw new SchemaError(schema, `is of an older pg-boss (version ${installed})`, migration);
}

/** `undefined` if there is nothing to migrate, as for a schema that a newer pg-boss has made. */
function migrationFrom(schema: string, version: number): string | undefined {
  try {
    return getMigrationPlans(schema, version);
  } catch {
    return undefined;
  }
}

/** The schema is not as it must be, and createSchema is false. */
class SchemaError extends Error {
  constructor(schema: string, what: string, sql: string) {
    super(
      `The schema ${schema} ${what}, and postgres.createSchema is false. Set it to true, or have an administrator run:\n\n${sql}`,
    );
    this.name = 'SchemaError';
  }
}
