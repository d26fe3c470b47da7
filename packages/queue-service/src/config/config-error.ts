import { QueueConfigError, type StandardSchemaV1 } from '@switchyard/queue-api';

/** Every objection of a schema in one error, each with its full key (`backend.queue.redis.connection`). */
export function configError(prefix: string, issues: readonly StandardSchemaV1.Issue[]): QueueConfigError {
  return new QueueConfigError(
    `The queue configuration cannot be used. ${issues.flatMap(issue => lines(prefix, issue)).join('; ')}`,
  );
}

function lines(prefix: string, issue: StandardSchemaV1.Issue): string[] {
  const path = (issue.path ?? []).map(part => String(typeof part === 'object' ? part.key : part));
  const { keys } = issue as { keys?: unknown };
  // Zod reports keys that should not be there at the object that has them.
  if (Array.isArray(keys)) return keys.map(name => `${key(prefix, [...path, String(name)])}: unknown key`);
  return [`${key(prefix, path)}: ${issue.message}`];
}

function key(prefix: string, path: readonly string[]): string {
  return [...(prefix === '' ? [] : [prefix]), ...path].join('.') || 'configuration';
}
