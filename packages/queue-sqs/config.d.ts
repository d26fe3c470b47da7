export interface Config {
  backend?: {
    queue?: {
      /** The store in Amazon SQS. Every key is optional. */
      sqs?: {
        /** The region of the queues, e.g. `eu-central-1`. Default: where all AWS programs look, `AWS_REGION` first. */
        region?: string;
        /** A server other than the region's own: a VPC endpoint, or a server for development. */
        endpoint?: string;
        /** Default: where all AWS programs look: environment, profile, the role of the pod, the role of the instance. */
        credentials?: {
          /** @visibility secret */
          accessKeyId: string;
          /** @visibility secret */
          secretAccessKey: string;
          /** @visibility secret */
          sessionToken?: string;
        };
        /** Whether queues that are missing are created. Default: true. */
        autoCreate?: boolean;
        /** What the names of all queues begin with: one for each installation. Default: `switchyard`. */
        queueNamePrefix?: string;
        /** Queues that somebody else made, by `<plugin>/<queue>`; outside of Backstage by `<queue>`. */
        queues?: {
          [name: string]: {
            /** The URL of a standard queue. */
            url: string;
          };
        };
        /** The largest message that the server takes, in bytes, from 65536. Default: 1048576. */
        maxMessageBytes?: number;
      };
    };
  };
}
