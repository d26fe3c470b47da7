import type { Address } from './address.ts';
import { keeper } from './keeper/connection.ts';
import { kinds } from './kinds/index.ts';
import type { ServerName } from './kinds/kind.ts';
import { namedServer } from './named-server.ts';
import { createFaultProxy } from './proxy/fault-proxy.ts';
import type { FaultProxy } from './proxy/fault-proxy.ts';
import { createKafkaProxy } from './proxy/kafka-proxies.ts';

/** A server that answers. */
export interface TestServer {
  readonly name: ServerName;
  /** Whether the environment named it, or it was brought up in Docker or as a process. */
  readonly way: 'environment' | 'docker' | 'process';
  readonly address: Address;
  /** What a client connects with: `redis://…`, `postgres://…`, `host:port` for Kafka, `http://…` for SQS. */
  readonly url: string;
  /** The variable that makes another process take it for the shared server, e.g. `SWITCHYARD_TEST_REDIS_URL`. */
  readonly env: Readonly<Record<string, string>>;
  /**
   * A new proxy in front of the server, in this process.
   * @throws For a broker of a Kafka cluster, which has `proxies` for all of them.
   */
  proxy(): Promise<ServerProxy>;
}

export interface ServerProxy extends FaultProxy {
  /** The server's `url`, by way of the proxy. */
  readonly url: string;
}

/**
 * The server that all tests of a run share, started when the first of them asks. Tests keep out of each other's way by
 * their own queue names, prefixes or schemas, and do not stop it.
 * @throws If there is none to be had; the message says what to install.
 */
export async function testServer(name: ServerName): Promise<TestServer> {
  const named = namedServer(name);
  if (named) return describeServer(name, 'environment', named.address, named.url);
  const call = await keeper();
  const { way, address } = await call('share', name);
  return describeServer(name, way, address, kinds[name].url(address));
}

export function describeServer(name: ServerName, way: TestServer['way'], address: Address, url: string): TestServer {
  return {
    name,
    way,
    address,
    url,
    env: { [kinds[name].variable]: url },
    async proxy() {
      const proxy = await (name === 'kafka' ? createKafkaProxy(address) : createFaultProxy(address));
      return { ...proxy, url: name === 'kafka' ? kinds.kafka.url(proxy.address) : moveUrl(url, proxy.address) };
    },
  };
}

function moveUrl(url: string, { host, port }: Address): string {
  const moved = new URL(url);
  moved.host = `${host}:${port}`;
  return moved.href;
}
