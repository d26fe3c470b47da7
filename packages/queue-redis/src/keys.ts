import type { QueueName } from '@switchyard/queue-api';

/** Where one queue lies. */
export interface QueueKeys {
  /** In the order in which every script takes them. */
  readonly keys: readonly string[];
  /** Where waiting workers are told that there is a job. */
  readonly channel: string;
}

const PARTS = ['ready', 'delayed', 'active', 'dead', 'jobs', 'sequence'];

/**
 * `<prefix>:{<plugin>/<queue>}:<part>`. A queue's name has neither `/` nor braces and a plugin's id is encoded, so that
 * two queues never share a key (rule 3); the braces keep all keys of a queue on one node of a cluster.
 */
export function queueKeys(prefix: string, { plugin, name }: QueueName): QueueKeys {
  const queue = `${prefix}:{${encodeURIComponent(plugin)}/${name}}`;
  return { keys: PARTS.map(part => `${queue}:${part}`), channel: `${queue}:wake` };
}
