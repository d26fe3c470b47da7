export interface Config {
  backend?: {
    queue?: {
      /** The store in Apache Kafka. Only `brokers` is required. */
      kafka?: {
        /** Some of the brokers, `host:port`, as a list or separated by commas; the others are learned from them. */
        brokers: string | string[];
        /** How the brokers' logs, metrics and quotas name this backend. Default: `backstage-backend`. */
        clientId?: string;
        /** Whether connections are encrypted, or the settings of TLS, which turn it on. Default: false. */
        ssl?:
          | boolean
          | string
          | {
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
              /** The host name to check the brokers' certificates against. */
              servername?: string;
              /** Whether to refuse certificates that cannot be verified. Default: true. */
              rejectUnauthorized?: boolean;
            };
        /** The user, where brokers ask for one. */
        sasl?: {
          /** `plain`, `scram-sha-256` or `scram-sha-512`. */
          mechanism: string;
          username: string;
          /** @visibility secret */
          password: string;
        };
        /** What the names of all topics begin with: one for each installation. Default: `switchyard`. */
        topicPrefix?: string;
        /** Partitions of the topics that are created for jobs. Default: 6. */
        partitions?: number;
        /** Copies of each partition of topics that are created. Default: the brokers' own. */
        replicationFactor?: number;
        /** Whether topics that are missing are created. Default: true. */
        autoCreateTopics?: boolean;
        /**
         * How long jobs are delayed in one piece, ascending, from 50 ms to 365 days. Longer delays are put together of these.
         * Default: 100 ms to 1 day, in eleven steps.
         */
        delaySteps?: (
          | number
          | string
          | {
              years?: number;
              months?: number;
              weeks?: number;
              days?: number;
              hours?: number;
              minutes?: number;
              seconds?: number;
              milliseconds?: number;
            }
        )[];
        /** How far a partition may get ahead of a job that is not finished, in records, before it waits. Default: 1000. */
        maxUncommitted?: number;
        /** The largest record, in bytes, from 65536. Default: what the topic says, or 1048588 where that may not be read. */
        maxMessageBytes?: number;
      };
    };
  };
}
