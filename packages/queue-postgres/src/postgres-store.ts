import type { AdapterContext, QueueName, QueueStore } from '@switchyard/queue-api';
import { QueueUnavailableError } from '@switchyard/queue-api';
import type { PgBoss } from 'pg-boss';
import { startBoss } from './boss.ts';
import { CAPABILITIES } from './capabilities.ts';
import { checkSchema } from './check-schema.ts';
import { classify } from './classify.ts';
import type { PostgresConfig } from './config.ts';
import { createListener, Database } from './database.ts';
import { leadsStraight } from './leads-straight.ts';
import { PostgresQueue } from './postgres-queue.ts';
import { queueName } from './queue-name.ts';
import { type Statements, statementsFor } from './sql/statements.ts';
import { WakeUps } from './wake-ups.ts';

/** Connects, and makes the schema what it must be. Rejects with what stands in the way. */
export async function connectPostgresStore(config: PostgresConfig, context: AdapterContext): Promise<QueueStore> {
  const report: AdapterContext['report'] = event => context.report(event);
  const applicationName = `switchyard-${context.instance}`.slice(0, 63);
  const isDirect = await leadsStraight(config, applicationName);
  if (!isDirect) {
    const message =
      'The connection does not lead straight to PostgreSQL, but to a pool that shares connections by the transaction: ' +
      'jobs are found by looking once a second. Give postgres.connection the address of the server, or of a pool by the session';
    report({ level: 'warning', code: 'pooled', message });
  }
  const database = new Database({
    config,
    applicationName,
    isDirect,
    onError: cause =>
      report({ level: 'warning', code: 'connection', message: 'A connection to PostgreSQL was lost', cause }),
  });
  try {
    const boss = await startBoss({ config, database, report });
    return new PostgresStore({ config, context, database, boss, applicationName, isDirect });
  } catch (error) {
    void database.close();
    throw error;
  }
}

interface PostgresStoreOptions {
  readonly config: PostgresConfig;
  readonly context: AdapterContext;
  readonly database: Database;
  readonly boss: PgBoss;
  readonly applicationName: string;
  readonly isDirect: boolean;
}

/** One pg-boss, one pool and one connection that listens, shared by all queues of the process. */
class PostgresStore implements QueueStore {
  readonly capabilities = CAPABILITIES;
  readonly classify = classify;
  readonly #options: PostgresStoreOptions;
  readonly #wakeUps: WakeUps;
  /** By table: most queues are in the same one. */
  readonly #statements = new Map<string, Statements>();
  readonly #queues = new Set<PostgresQueue>();
  #closed: Promise<void> | undefined;

  constructor(options: PostgresStoreOptions) {
    const { config, context, applicationName, isDirect } = options;
    this.#options = options;
    this.#wakeUps = new WakeUps({
      schema: config.schema,
      createListener: isDirect ? () => createListener(config, applicationName) : undefined,
      report: event => context.report(event),
    });
  }

  async open(queue: QueueName): Promise<PostgresQueue> {
    if (this.#closed !== undefined) {
      throw new QueueUnavailableError(
        'not-stored',
        `The PostgreSQL store is closed: queue ${queue.name} was not opened`,
      );
    }
    const { boss, config, context, database } = this.#options;
    const name = queueName(queue);
    // Does nothing where it is there.
    await boss.createQueue(name, { deleteAfterSeconds: Math.max(1, Math.ceil(context.deadLetters.maxAgeMs / 1000)) });
    const table = (await boss.getQueue(name))?.table ?? 'job_common';
    const opened: PostgresQueue = new PostgresQueue({
      name,
      statements: await this.#statementsFor(config.schema, table),
      database,
      wakeUps: this.#wakeUps,
      deadLetterMaxAgeMs: context.deadLetters.maxAgeMs,
      onClose: () => this.#queues.delete(opened),
    });
    this.#queues.add(opened);
    return opened;
  }

  async #statementsFor(schema: string, table: string): Promise<Statements> {
    const known = this.#statements.get(table);
    if (known !== undefined) return known;
    const { database, context } = this.#options;
    await checkSchema(database, schema, table, event => context.report(event));
    const statements = statementsFor({ schema, name: table });
    this.#statements.set(table, statements);
    return statements;
  }

  close({ timeoutMs }: { readonly timeoutMs: number }): Promise<void> {
    this.#closed ??= this.#end(timeoutMs);
    return this.#closed;
  }

  async #end(timeoutMs: number): Promise<void> {
    const { boss, database } = this.#options;
    await Promise.all([...this.#queues].map(queue => queue.close({ timeoutMs })));
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, timeoutMs);
    const ended = async () => {
      await Promise.allSettled([this.#wakeUps.close(), boss.stop({ graceful: false, close: false })]);
      await database.close();
    };
    await Promise.race([ended().catch(() => {}), late]);
    clearTimeout(timer);
  }
}
