import type { Address } from '../address.ts';
import { exchange } from './exchange.ts';

/** Runs one command whose reply is a line or a string, on a connection of its own. Rejects if the reply is an error. */
export function redisCommand(address: Address, ...command: string[]): Promise<string> {
  const request = command.map(word => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('');
  return exchange(address, `*${command.length}\r\n${request}`, readReply);
}

function readReply(received: Buffer): string | undefined {
  const end = received.indexOf('\r\n');
  if (end === -1) return undefined;
  const line = received.toString('utf8', 1, end);
  if (received[0] === '-'.charCodeAt(0)) throw new Error(line);
  if (received[0] !== '$'.charCodeAt(0)) return line;
  const body = received.subarray(end + 2);
  return body.length < Number(line) + 2 ? undefined : body.toString('utf8', 0, Number(line));
}
