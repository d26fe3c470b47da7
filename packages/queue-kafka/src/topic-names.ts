import { createHash } from 'node:crypto';
import type { QueueName } from '@switchyard/queue-api';

/** Kafka takes up to 249 letters, digits, hyphens, underscores and dots; upper and lower case differ. */
const LONGEST = 249;
const DELAY = '.delay';
const DEAD = '.dead';

/** What the topics of a queue are called. The group that works on it has the name of the first. */
export interface TopicNames {
  /** The jobs that are due. */
  readonly main: string;
  /** The jobs that are not due yet. */
  readonly delay: string;
  /** The dead letters. */
  readonly dead: string;
}

/**
 * `<prefix>.<plugin>.<queue>`, outside of Backstage `<prefix>.<queue>`, each with `.delay` and `.dead` behind it for the others.
 *
 * No two topics share a name (rule 3), and none has one that Kafka confuses with another's: it refuses to create `a.b` where
 * `a_b` exists. So what follows holds after every dot has become an underscore, too. In a part, two underscores stand before a
 * byte in hexadecimal, upper case; that is the only way to write a character that is no letter, digit or hyphen, and parts are never
 * empty. Hence a run of one underscore separates, one of two is the start of a byte, and one of three is a separator and then a byte:
 * the parts can be read back. The last of them is `delay` or `dead` only if the topic is for these, because a queue of that name
 * begins with a byte; without it, two parts are a queue outside of Backstage and three are one of a plugin.
 *
 * What leaves no room for `.delay` ends in `__h` and 128 bits of the SHA-256 of its name: no byte begins with an `h`.
 */
export function topicNames(prefix: string, { plugin, name }: QueueName): TopicNames {
  const parts = plugin === '' ? [] : [encode(plugin)];
  const main = shorten([prefix, ...parts, encodeQueue(name)].join('.'), LONGEST - DELAY.length);
  return { main, delay: `${main}${DELAY}`, dead: `${main}${DEAD}` };
}

function encodeQueue(name: string): string {
  const isTaken = [DELAY, DEAD].includes(`.${name}`);
  return isTaken ? `${bytesOf(name.slice(0, 1))}${name.slice(1)}` : encode(name);
}

function encode(part: string): string {
  return part.replaceAll(/[^A-Za-z0-9-]/gu, bytesOf);
}

function bytesOf(character: string): string {
  return Array.from(Buffer.from(character), byte => `__${byte.toString(16).toUpperCase().padStart(2, '0')}`).join('');
}

function shorten(name: string, longest: number): string {
  if (name.length <= longest) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 32);
  const start = name.slice(0, longest - hash.length - '__h'.length);
  return `${start.replace(HALF_A_BYTE, '')}__h${hash}`;
}

/** Left at the end by a cut within a byte. A whole one has two digits. */
const HALF_A_BYTE = /_{1,2}[0-9A-F]?$/;
