import type { Pool, PoolClient, QueryArrayConfig } from 'pg';
import type { Row } from './database.ts';

/** A connection that is borrowed for as long as something is under way on it. */
interface Borrowed {
  readonly client: Promise<PoolClient>;
  underWay: number;
  failure: Error | undefined;
}

/**
 * Carries statements out in the order in which they are asked for, and asks without waiting for the answer to the last one:
 * all that are under way at the same time use the same connection, in pipeline mode. Each is a transaction of its own. After
 * one that failed the next ones use another connection, and this one is given up once all of its answers are there.
 */
export class Lane {
  readonly #pool: Pool;
  #borrowed: Borrowed | undefined;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  async run(query: QueryArrayConfig): Promise<Row[]> {
    const borrowed = (this.#borrowed ??= { client: this.#connect(), underWay: 0, failure: undefined });
    borrowed.underWay++;
    try {
      // Who asked first is also the first to go on from here.
      const client = await borrowed.client;
      const { rows } = await client.query<unknown[]>(query);
      return rows;
    } catch (error) {
      borrowed.failure ??= error as Error;
      this.#leave(borrowed);
      throw error;
    } finally {
      borrowed.underWay--;
      if (borrowed.underWay === 0) {
        this.#leave(borrowed);
        borrowed.client.then(
          client => {
            client.off('error', ignore);
            client.release(borrowed.failure);
          },
          () => {},
        );
      }
    }
  }

  async #connect(): Promise<PoolClient> {
    const client = await this.#pool.connect();
    // Whatever is under way hears of it too; without a listener it would end the process.
    client.on('error', ignore);
    return client;
  }

  #leave(borrowed: Borrowed): void {
    if (this.#borrowed === borrowed) this.#borrowed = undefined;
  }
}

function ignore(): void {}
