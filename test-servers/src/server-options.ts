import type { Address } from './address.ts';

/** How a server of one's own may differ from the shared one. */
export interface ServerOptions {
  redis: RedisOptions;
  postgres: PostgresOptions;
  kafka: KafkaOptions;
  sqs: SqsOptions;
}

export interface RedisOptions {
  /**
   * What is left after a restart or a kill: nothing (the default), or an append-only file that is written to disk every
   * second, or before each reply.
   */
  readonly persistence?: 'none' | 'everysec' | 'always';
  /** More arguments for `redis-server`, e.g. `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
}

export interface PostgresOptions {
  /** More arguments for `postgres`, e.g. `['-c', 'max_connections=20']`. */
  readonly args?: readonly string[];
}

export interface SqsOptions {
  /** Queues and messages are left after a restart or a kill. Default false: the server starts empty. */
  readonly persistence?: boolean;
}

export interface KafkaOptions {
  /**
   * Puts a fault proxy in front of the broker from the start. Needed for `proxy()`: a Kafka broker tells its clients where
   * to connect, so that a proxy it does not know of would be passed by. Default false.
   */
  readonly proxied?: boolean;
}

/** The same as the keeper gets it. */
export interface LaunchOptions extends Omit<ServerOptions, 'kafka'> {
  /** Where the broker tells its clients to connect, if not where it listens. */
  kafka: KafkaOptions & { readonly advertise?: Address };
}
