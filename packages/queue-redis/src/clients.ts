import { once } from 'node:events';
import { Cluster, type ClusterOptions, Redis, type RedisOptions as AnyRedisOptions } from 'ioredis';
import type { RedisConfig } from './config.ts';
import { counts } from './lua/counts.ts';
import { enqueue } from './lua/enqueue.ts';
import { exchange } from './lua/exchange.ts';
import { extend } from './lua/extend.ts';

/** Replies in the shapes that ioredis has always had. */
type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>;

type Script = (...args: readonly (string | number)[]) => Promise<unknown>;

/** A client that knows the scripts. They are called with the keys of a queue, then their arguments. */
export type ScriptClient = (Redis | Cluster) & {
  readonly enqueue: Script;
  readonly exchange: Script;
  readonly extend: Script;
  readonly counts: Script;
};

const KEYS = 6;
const SCRIPTS = Object.fromEntries(
  Object.entries({ enqueue, exchange, extend, counts }).map(([name, lua]) => [name, { lua, numberOfKeys: KEYS }]),
);

const CONNECT_TIMEOUT_MS = 5000;
/** No command of ours waits at the server: a connection that is silent for so long while it owes us a reply is dead. */
const SILENCE_MS = 5000;
const LONGEST_PAUSE_MS = 2000;

/** With jitter: many processes that lost the same server come back one by one. */
function pauseBeforeReconnect(attempts: number): number {
  return Math.min(50 * 2 ** attempts, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2);
}

const OPTIONS = {
  lazyConnect: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  socketTimeout: SILENCE_MS,
  // The engine decides what is tried again: nothing waits in the client, nothing is sent a second time.
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  autoResubscribe: false,
} satisfies RedisOptions;

/** The client that all queues of the process share. */
export function createClient(config: RedisConfig, name: string): ScriptClient {
  const options: RedisOptions = {
    ...OPTIONS,
    connectionName: name,
    retryStrategy: pauseBeforeReconnect,
    // After a failover the address may lead to what is a replica now.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
  };
  const { cluster } = config;
  const client =
    cluster === undefined
      ? new Redis({ ...options, ...serverOptions(config), scripts: SCRIPTS })
      : new Cluster(cluster.nodes, clusterOptions(config, options));
  return client as unknown as ScriptClient;
}

/** Connects, in a cluster to every master: what is sent to a node whose connection is not there yet is refused. */
export async function connectClient(client: ScriptClient): Promise<void> {
  await client.connect();
  if (!(client instanceof Cluster)) return;
  // Nodes that join later, or again.
  client.on('+node', (node: Redis) => void connectNode(node).catch(() => {}));
  await Promise.all(client.nodes('master').map(connectNode));
}

async function connectNode(node: Redis): Promise<void> {
  if (node.status === 'wait') await node.connect();
  else if (node.status !== 'ready') await once(node, 'ready');
}

/** A connection to listen on. It is not repaired: whoever uses it replaces it. */
export function createSubscriber(config: RedisConfig, client: ScriptClient, name: string): Redis {
  const options: RedisOptions = { ...OPTIONS, connectionName: name, retryStrategy: () => null };
  if (!(client instanceof Cluster)) return new Redis({ ...options, ...serverOptions(config) });
  // In a cluster every node hears what is published on any.
  const nodes = client.nodes('master');
  const { host, port } = nodes[Math.floor(Math.random() * nodes.length)]?.options ?? {};
  return new Redis({ ...options, ...nodeOptions(config), ...given({ host, port }) });
}

function serverOptions(config: RedisConfig): RedisOptions {
  const { connection, sentinel } = config;
  if (sentinel !== undefined) {
    const { sentinels, name, db, username, password, sentinelUsername, sentinelPassword } = sentinel;
    return given({
      sentinels: sentinels.map(parseNode),
      name,
      db,
      username,
      password,
      sentinelUsername,
      sentinelPassword,
      tls: config.tls,
      enableTLSForSentinelMode: config.tls !== undefined,
      sentinelTLS: config.tls,
      sentinelRetryStrategy: pauseBeforeReconnect,
    });
  }
  const { protocol, hostname, port, username, password, pathname } = new URL(connection ?? 'redis://localhost');
  return given({
    host: hostname.replace(/^\[|\]$/g, ''),
    port: Number(port || 6379),
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    db: Number(pathname.slice(1) || 0),
    tls: protocol === 'rediss:' ? { ...config.tls } : config.tls,
  });
}

type ClusterSettings = Omit<ClusterOptions, 'redisOptions'> & { redisOptions: RedisOptions };

function clusterOptions(config: RedisConfig, options: RedisOptions): ClusterSettings {
  const { retryStrategy: _, ...nodes } = options;
  return {
    lazyConnect: true,
    enableOfflineQueue: false,
    scripts: SCRIPTS,
    redisOptions: { ...nodes, ...nodeOptions(config) },
    clusterRetryStrategy: pauseBeforeReconnect,
    slotsRefreshTimeout: CONNECT_TIMEOUT_MS,
    // It would send again what may have been carried out.
    retryDelayOnFailover: 0,
    // Host names are for certificates.
    ...(config.tls !== undefined && { dnsLookup: (address, callback) => callback(null, address) }),
  };
}

function nodeOptions({ cluster, tls }: RedisConfig): RedisOptions {
  const secure = tls ?? (cluster?.nodes.some(node => node.startsWith('rediss:')) ? {} : undefined);
  return given({ username: cluster?.username, password: cluster?.password, tls: secure });
}

function parseNode(url: string): { host: string; port: number } {
  const { hostname, port } = new URL(url);
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || 26_379) };
}

/** ioredis takes `undefined` for a value. */
function given(options: Record<string, unknown>): RedisOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
