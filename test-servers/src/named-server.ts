import type { Address } from './address.ts';
import { kinds } from './kinds/index.ts';
import type { ServerName } from './kinds/kind.ts';

/** A server that the environment names. */
export interface NamedServer {
  readonly url: string;
  readonly address: Address;
}

/** Where a URL without a port leads. */
const PORTS: Readonly<Record<string, number>> = {
  'redis:': 6379,
  'rediss:': 6379,
  'postgres:': 5432,
  'postgresql:': 5432,
  'kafka:': 9092,
  'http:': 80,
  'https:': 443,
};

export function namedServer(name: ServerName): NamedServer | undefined {
  const { variable } = kinds[name];
  const url = process.env[variable];
  if (!url) return undefined;
  const parsed = URL.parse(name === 'kafka' ? `kafka://${url.split(',')[0]}` : url);
  const port = Number(parsed?.port || PORTS[parsed?.protocol ?? '']);
  if (!parsed?.hostname || !port) throw new Error(`${variable} is not what it should be: ${url}`);
  return { url, address: { host: parsed.hostname, port } };
}
