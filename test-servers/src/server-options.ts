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
  /** More settings of the broker, e.g. `{ 'auto.create.topics.enable': 'false' }`. */
  readonly settings?: Readonly<Record<string, string>>;
}
