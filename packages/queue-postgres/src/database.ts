import { Client, type ClientBase, type ClientConfig, Pool } from 'pg';
import { Lane } from './lane.ts';
import type { PostgresConfig } from './config.ts';

export interface Statement {
  /** A connection plans it once, under this name; each time anew if it has none. */
  readonly name: string;
  readonly text: string;
}

export type Row = readonly unknown[];

export interface DatabaseOptions {
  readonly config: PostgresConfig;
  readonly applicationName: string;
  /** Whether the connections lead straight to PostgreSQL: what is set on one, or prepared, is there for the next call. */
  readonly isDirect: boolean;
  /** A connection was lost while nobody used it. */
  readonly onError: (error: Error) => void;
}

const CONNECT_TIMEOUT_MS = 5000;
/** PostgreSQL gives up a statement by itself, so that one whose caller has gone does not hold locks for ever. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** What pg-boss does may take its time; on a connection that is dead without a word it would take for ever. */
const MAINTENANCE_TIMEOUT_MS = 600_000;

/**
 * Our statements are planned once and for good, maybe while their table is empty, so that the planner must not be left to
 * guess how it will look. They are written so that one index gives each order, and no other plan is allowed; its costs are
 * fantastic then, which must not make it compile (`jit`).
 */
const OUR_PLANS = Object.entries({
  enable_seqscan: 'off',
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  enable_incremental_sort: 'off',
  enable_mergejoin: 'off',
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  statement_timeout: STATEMENT_TIMEOUT_MS,
});
const SET_OUR_PLANS = OUR_PLANS.map(([setting, value]) => `SET ${setting} = ${value}`).join('; ');
/** What pg-boss does in the background has other statements. */
const RESET_PLANS = OUR_PLANS.map(([setting]) => `RESET ${setting}`).join('; ');

/** The connections of the process, for all its queues. */
export class Database {
  readonly #pool: Pool;
  readonly #isDirect: boolean;

  constructor({ config, applicationName, isDirect, onError }: DatabaseOptions) {
    this.#isDirect = isDirect;
    this.#pool = new Pool({
      ...clientConfig(config, applicationName),
      max: config.poolSize,
      // Of which its types know nothing yet. Only a lane asks something before the answer to the last question is there.
      ...({ pipeline: true } as object),
      // It is waited for, of which its type knows nothing.
      ...(isDirect && { onConnect: (client => client.query(SET_OUR_PLANS)) as (client: ClientBase) => void }),
    });
    // A connection that ends while it is idle would end the process.
    this.#pool.on('error', onError);
  }

  /** Runs one of our statements, as a transaction of its own. Its connection is given up if it fails. */
  async run(statement: Statement, values: unknown[], timeoutMs: number): Promise<Row[]> {
    const { rows } = await this.#pool.query<unknown[]>(this.#query(statement, values, timeoutMs));
    return rows;
  }

  /** For statements that must be carried out in the order in which they are run. */
  lane(): Pick<Database, 'run'> {
    const lane = new Lane(this.#pool);
    return { run: (statement, values, timeoutMs) => lane.run(this.#query(statement, values, timeoutMs)) };
  }

  #query({ name, text }: Statement, values: unknown[], timeoutMs: number) {
    return {
      text,
      values,
      rowMode: 'array' as const,
      query_timeout: timeoutMs,
      ...(this.#isDirect && { name }),
    };
  }

  /** Runs what pg-boss, or somebody who asks about the schema, wants to know. May be several statements if without values. */
  async executeSql(text: string, values?: unknown[]): Promise<{ rows: any[] }> {
    const client = await this.#pool.connect();
    let failure: Error | undefined;
    try {
      if (this.#isDirect) await client.query(RESET_PLANS);
      const query = { text, ...(values && { values }), query_timeout: MAINTENANCE_TIMEOUT_MS };
      const result = await client.query(query);
      if (this.#isDirect) await client.query(SET_OUR_PLANS);
      return result;
    } catch (error) {
      failure = error as Error;
      throw error;
    } finally {
      // A connection that failed may be in the middle of a transaction: it is not used again.
      client.release(failure);
    }
  }

  close(): Promise<void> {
    return this.#pool.end();
  }
}

/** A connection to listen on. It is not repaired: whoever uses it replaces it. */
export function createListener(config: PostgresConfig, applicationName: string): Client {
  return new Client(clientConfig(config, applicationName));
}

function clientConfig({ connection }: PostgresConfig, applicationName: string): ClientConfig {
  const where = typeof connection === 'string' ? { connectionString: connection } : (connection as ClientConfig);
  return {
    ...where,
    application_name: applicationName,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    keepAlive: true,
  };
}
