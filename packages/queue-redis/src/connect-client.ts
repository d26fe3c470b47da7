import { Cluster, type Redis } from 'ioredis';
import { createNode, type ScriptClient, startNodes } from './clients.ts';
import type { RedisConfig } from './config.ts';
import { inTime } from './in-time.ts';

const CONNECT_TIMEOUT_MS = 9000;

/** Connects, in a cluster to every master that is there. Rejects, in bounded time, with what stands in the way. */
export async function connectClient(client: ScriptClient, config: RedisConfig): Promise<void> {
  let cause: unknown;
  // The first says why; those that follow say that it ended. Without a listener ioredis writes to the console.
  client.on('error', (error: unknown) => (cause ??= error));
  try {
    await inTime('connect', CONNECT_TIMEOUT_MS, connect(client));
  } catch (error) {
    client.disconnect();
    throw (client instanceof Cluster && (await whyNot(config))) || (cause ?? error);
  }
}

async function connect(client: ScriptClient): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    // The promise of a cluster that was down at first is never settled, whatever becomes of the cluster.
    client.once('ready', resolve);
    client.connect().then(resolve, reject);
  });
  if (!(client instanceof Cluster)) return;
  // What is sent to a node whose connection is not there yet is refused. These join later, or again.
  client.on('+node', (node: Redis) => void connectNode(node));
  await Promise.all(client.nodes('master').map(connectNode));
}

/** Settles once it is known whether the node can be used. One that cannot is left to the queues that lie there. */
function connectNode(node: Redis): Promise<void> {
  return new Promise(resolve => {
    if (node.status === 'ready' || node.status === 'end') resolve();
    node.once('ready', resolve).once('end', resolve);
    if (node.status === 'wait') node.connect().catch(() => {});
  });
}

/** ioredis does not say why no node of a cluster would do: they are asked once more. */
async function whyNot(config: RedisConfig): Promise<unknown> {
  const reasons = await Promise.all(
    startNodes(config).map(address => reasonOf(createNode(config, address, 'why-not'))),
  );
  return reasons.find(reason => reason !== undefined);
}

async function reasonOf(node: Redis): Promise<unknown> {
  let cause: unknown;
  node.on('error', (error: unknown) => (cause ??= error));
  try {
    await node.connect();
    await node.cluster('SLOTS');
    const info = await node.cluster('INFO');
    return /cluster_state:fail/.test(info) ? new Error('The cluster is down (cluster_state:fail)') : undefined;
  } catch (error) {
    return cause ?? error;
  } finally {
    node.disconnect();
  }
}
