import { setTimeout as sleep } from 'node:timers/promises';
import { keeper } from './keeper/connection.ts';
import { ownedServer } from './own-server.ts';
import type { OwnServer } from './own-server.ts';
import { createKafkaProxies } from './proxy/kafka-proxies.ts';
import type { KafkaOptions } from './server-options.ts';
import type { ServerProxy } from './test-server.ts';
import { kafkaMetadata } from './wire/kafka-metadata.ts';
import type { KafkaMetadata, KafkaPartition } from './wire/kafka-metadata.ts';

const IN_SYNC_MS = 30_000;

/** A Kafka cluster that nobody else uses. It ends with the process that asked for it, if it is not removed before. */
export interface TestKafkaCluster extends AsyncDisposable {
  /**
   * Three brokers, with the ids 1 to 3 in this order, each of which can be stopped, killed and started again. Topics have three
   * replicas, of which two must be in sync for a write with `acks=all`.
   */
  readonly nodes: readonly OwnServer[];
  /** The brokers that a client connects to: `host:port,host:port,host:port`. */
  readonly url: string;
  /**
   * The broker that leads a partition now. Of `__consumer_offsets`, which has one partition, it is the coordinator of all
   * consumer groups.
   */
  leader(topic: string, partition?: number): Promise<OwnServer>;
  /** Resolves when all brokers are in service and no replica lags, so that the next of them may be killed. */
  untilInSync(): Promise<void>;
  /** New proxies in this process, one in front of each broker. Clients of one are led to the others only. */
  proxies(): Promise<ServerProxy[]>;
  /** Ends all brokers and deletes their data. */
  remove(): Promise<void>;
}

/** @throws If there is no Kafka to be had; the message says what to install. */
export async function testKafkaCluster(options: KafkaOptions = {}): Promise<TestKafkaCluster> {
  const call = await keeper();
  const nodes = (await call('launchKafkaCluster', options)).map(ownedServer);
  const remove = async () => {
    await Promise.all(nodes.map(node => node.remove()));
  };
  return {
    nodes,
    url: nodes.map(({ url }) => url).join(','),
    async leader(topic, partition = 0) {
      const { partitions } = await askAny(nodes);
      const id = partitions.find(each => each.topic === topic && each.partition === partition)?.leader ?? -1;
      const node = nodes[id - 1];
      if (!node) throw new Error(`Nobody leads the partition ${partition} of ${topic}`);
      return node;
    },
    async untilInSync() {
      for (const deadline = Date.now() + IN_SYNC_MS; ; await sleep(50)) {
        const known = await Promise.all(nodes.map(({ address }) => kafkaMetadata(address).catch(String)));
        if (known.every(isInSync)) return;
        if (Date.now() > deadline) throw new Error(`The brokers do not get in sync: ${JSON.stringify(known)}`);
      }
    },
    async proxies() {
      const proxies = await createKafkaProxies(nodes.map(({ address }) => ({ target: address, advertised: address })));
      return proxies.map(proxy => ({ ...proxy, url: `${proxy.address.host}:${proxy.address.port}` }));
    },
    remove,
    [Symbol.asyncDispose]: remove,
  };
}

function askAny(nodes: readonly OwnServer[]): Promise<KafkaMetadata> {
  return Promise.any(nodes.map(({ address }) => kafkaMetadata(address)));
}

function isInSync(known: KafkaMetadata | string, _index: number, all: readonly unknown[]): boolean {
  if (typeof known === 'string') return false;
  const hasAll = ({ replicas, inSync }: KafkaPartition) => inSync.length === replicas.length;
  return known.brokers.length === all.length && known.partitions.every(hasAll);
}
