import type { QueueServiceHealth } from './health.ts';
import type { Queue, QueueOptions } from './queue.ts';
import type { StandardSchemaV1 } from './standard-schema.ts';

/** Where queues come from: one per plugin in Backstage, one per application elsewhere. */
export interface QueueService {
  /**
   * Returns the queue of that name, made on first use and the same instance ever after (rule 1). With a `schema` the
   * types of payload and handler are inferred from it; without, name them: `getQueue<EmailJob>('emails')`.
   *
   * Rejects with `InvalidArgumentError` for a name that is not 1–64 characters of `[A-Za-z0-9._-]` (rule 3), and with
   * `QueueConfigError` for a store that is not configured or not installed, saying what to set or install (rule 2).
   * A store that is merely down does not reject: the queue heals when it is back.
   */
  getQueue<Schema extends StandardSchemaV1>(
    name: string,
    options: QueueOptions<StandardSchemaV1.InferOutput<Schema>> & { schema: Schema },
  ): Promise<Queue<StandardSchemaV1.InferInput<Schema>, StandardSchemaV1.InferOutput<Schema>>>;
  getQueue<T = any>(name: string, options?: QueueOptions<T>): Promise<Queue<T>>;
  /** All queues that this service has handed out, at a glance. Never throws, asks no server. */
  health(): QueueServiceHealth;
}
