import { createHash } from 'node:crypto';
import type { QueueName } from '@switchyard/queue-api';

/** SQS takes up to 80 letters, digits, hyphens and underscores; upper and lower case differ. */
const LONGEST = 80;
const DEAD = '-dead';

/** What SQS calls a queue and the queue of its dead letters. */
export interface PhysicalNames {
  readonly main: string;
  readonly dead: string;
}

/**
 * `<prefix>__<plugin>__<queue>`, outside of Backstage `<prefix>__<queue>`, each with `-dead` behind it for the dead letters.
 *
 * No two queues share a name (rule 3). An underscore in a part stands before a byte in hexadecimal, upper case, so that
 * only separators have two. The hyphen of a queue that itself ends in `-dead` is written that way too. What is longer than
 * 80 characters ends in `_h` and 128 bits of its SHA-256: a lower-case letter never follows a single underscore otherwise.
 */
export function physicalNames(prefix: string, { plugin, name }: QueueName): PhysicalNames {
  const parts = plugin === '' ? [name] : [plugin, name];
  const main = [prefix, ...parts.map(encode)].join('__').replace(/-dead$/, '_2Ddead');
  return { main: shorten(main, LONGEST), dead: `${shorten(main, LONGEST - DEAD.length)}${DEAD}` };
}

/** What the queue at a URL is called. */
export function nameAt(url: string): string {
  return new URL(url).pathname.replace(/^.*\//, '');
}

/** The dead letters of a queue that somebody else made and named. */
export function deadNameBeside(name: string): string {
  return `${shorten(name, LONGEST - DEAD.length)}${DEAD}`;
}

function encode(part: string): string {
  return part.replaceAll(/[^A-Za-z0-9-]/gu, character =>
    Array.from(Buffer.from(character), byte => `_${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(''),
  );
}

function shorten(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const start = name.slice(0, longest - hash.length - 2).replace(/_+$/, '');
  return `${start}_h${hash}`;
}
