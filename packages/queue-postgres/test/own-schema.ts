import { randomUUID } from 'node:crypto';

/** A schema that no other test uses. */
export function ownSchema(what: string): string {
  return `${what}_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
}
