export interface Config {
  backend?: {
    queue?: {
      /** The Redis store. Exactly one of `connection`, `sentinel` and `cluster`. */
      redis?: {
        /**
         * A single server: `redis://` or, with TLS, `rediss://user:password@host:port/database`.
         * @visibility secret
         */
        connection?: string;
        /** Servers with Redis Sentinel. */
        sentinel?: {
          /** The name under which the sentinels know the master. */
          name: string;
          /** URLs of the sentinels, e.g. `redis://sentinel-1:26379`. */
          sentinels: string[];
          /** The user at the master, if it asks for one. */
          username?: string;
          /** @visibility secret */
          password?: string;
          /** The user at the sentinels, if they ask for one. */
          sentinelUsername?: string;
          /** @visibility secret */
          sentinelPassword?: string;
          /** The number of the database. Default: 0. */
          db?: number;
        };
        /** A Redis Cluster. */
        cluster?: {
          /** URLs of some of the nodes; the others are learned from them. */
          nodes: string[];
          username?: string;
          /** @visibility secret */
          password?: string;
        };
        /** TLS settings; their presence alone turns TLS on. */
        tls?: {
          /** Certificates of the authorities to trust, in PEM format. */
          ca?: string;
          /** The certificate of this client, in PEM format. */
          cert?: string;
          /**
           * Its private key, in PEM format.
           * @visibility secret
           */
          key?: string;
          /** @visibility secret */
          passphrase?: string;
          /** The host name to check the server's certificate against. */
          servername?: string;
          /** Whether to refuse certificates that cannot be verified. Default: true. */
          rejectUnauthorized?: boolean;
        };
        /** What the names of all keys and channels begin with. Default: `switchyard`. */
        keyPrefix?: string;
      };
    };
  };
}
