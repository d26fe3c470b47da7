import { readFileSync } from 'node:fs';

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8');

/** The rights that the documentation says a user needs, as arguments of ACL SETUSER. */
export function readmeRights(): string[] {
  const [, rights = ''] = /ACL SETUSER switchyard on >password (.*)/.exec(README) ?? [];
  return rights.split(' ');
}

/** What it says that a cluster needs besides. */
export function readmeClusterRights(): string[] {
  const [, rights = ''] = /a cluster `(\+[^`]+)`/.exec(README) ?? [];
  return rights.split(' ');
}
