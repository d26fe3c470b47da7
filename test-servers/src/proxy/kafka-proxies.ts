import type { Address } from '../address.ts';
import { kafkaMetadata } from '../wire/kafka-metadata.ts';
import type { FaultProxy } from './fault-proxy.ts';
import { createFaultProxy } from './fault-proxy.ts';
import type { Move } from './kafka-wire.ts';
import { kafkaWire } from './kafka-wire.ts';

/**
 * A proxy in front of a broker, whatever that calls itself.
 * @throws If it has peers.
 */
export async function createKafkaProxy(target: Address): Promise<FaultProxy> {
  const { brokers } = await kafkaMetadata(target);
  const [advertised, ...peers] = brokers;
  if (!advertised || peers.length > 0) {
    throw new Error(
      `Clients would pass by a proxy of one of ${brokers.length} brokers: see testKafkaCluster().proxies()`,
    );
  }
  const [proxy] = await createKafkaProxies([{ target, advertised }]);
  if (!proxy) throw new Error('The proxy is missing');
  return proxy;
}

/** A proxy in front of each broker of a cluster. A client that knows one of them is led to the others only. */
export async function createKafkaProxies(
  brokers: readonly { readonly target: Address; readonly advertised: Address }[],
): Promise<FaultProxy[]> {
  const moves: Move[] = [];
  const wire = kafkaWire(moves);
  const proxies: FaultProxy[] = [];
  for (const { target, advertised } of brokers) {
    const proxy = await createFaultProxy(target, wire);
    proxies.push(proxy);
    moves.push({ from: advertised, to: proxy.address });
  }
  const foreign = moves.find(({ from, to }) => from.host.length !== to.host.length);
  if (foreign) {
    await Promise.all(proxies.map(proxy => proxy.close()));
    throw new Error(`The proxy cannot hide a broker that calls itself ${foreign.from.host}, only one on the loopback`);
  }
  return proxies;
}
