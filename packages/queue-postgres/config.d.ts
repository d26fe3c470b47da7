export interface Config {
  backend?: {
    queue?: {
      /** The PostgreSQL store. */
      postgres?: {
        /**
         * The database: a URL such as postgres://user:password@host:5432/database, or settings as node-postgres has them.
         * @visibility secret
         */
        connection:
          | string
          | {
              host?: string;
              port?: number | string;
              database?: string;
              user?: string;
              /** @visibility secret */
              password?: string;
              ssl?:
                | boolean
                | string
                | {
                    ca?: string;
                    cert?: string;
                    /** @visibility secret */
                    key?: string;
                    /** @visibility secret */
                    passphrase?: string;
                    servername?: string;
                    rejectUnauthorized?: boolean | string;
                  };
            };
        /** The schema of pg-boss, made when it is not there. Default: backstage__queue_service. */
        schema?: string;
        /** Most connections of one process, at least 2, besides one that waits for jobs. Default: 5. */
        poolSize?: number | string;
        /** Whether the schema is made and migrated. If not, an administrator must. Default: true. */
        createSchema?: boolean | string;
      };
    };
  };
}
