import { keeper } from './keeper/connection.ts';
import { ownedServer } from './own-server.ts';
import type { OwnServer } from './own-server.ts';
import type { RedisOptions } from './server-options.ts';

/** A Redis Cluster that nobody else uses. It ends with the process that asked for it, if it is not removed before. */
export interface TestRedisCluster extends AsyncDisposable {
  /** Three masters without replicas, each of which can be stopped, killed and started again. */
  readonly nodes: readonly OwnServer[];
  /** Ends all nodes and deletes their data. */
  remove(): Promise<void>;
}

/** @throws If there is no Redis to be had; the message says what to install. */
export async function testRedisCluster(options: Omit<RedisOptions, 'args'> = {}): Promise<TestRedisCluster> {
  const call = await keeper();
  const nodes = (await call('launchRedisCluster', options)).map(ownedServer);
  const remove = async () => {
    await Promise.all(nodes.map(node => node.remove()));
  };
  return { nodes, remove, [Symbol.asyncDispose]: remove };
}
