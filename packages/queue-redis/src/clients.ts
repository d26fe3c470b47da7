import { Cluster, type ClusterOptions, Redis, type RedisOptions as AnyRedisOptions } from 'ioredis';
import type { RedisConfig } from './config.ts';
import { counts } from './lua/counts.ts';
import { enqueue } from './lua/enqueue.ts';
import { exchange } from './lua/exchange.ts';
import { extend } from './lua/extend.ts';

/** Replies in the shapes that ioredis has always had. */
type RedisOptions = Omit<AnyRedisOptions, 'replyMapping'>;

type ClusterConfig = NonNullable<RedisConfig['cluster']>;

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
/** How long a sentinel, or a node that is asked for the slots, may take: the next one is asked then. */
const DIRECTIONS_MS = 2000;
/** How often a cluster is asked where its slots are, besides whenever a node says that one has moved. */
const LOOK_AROUND_MS = 30_000;
const LONGEST_PAUSE_MS = 2000;

/** With jitter: many processes that lost the same server come back one by one. */
function pauseBeforeReconnect(attempts: number): number {
  return Math.round(Math.min(50 * 2 ** attempts, LONGEST_PAUSE_MS) * (0.5 + Math.random() / 2));
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
  // Its name says what it is; more would need a right more.
  disableClientInfo: true,
} satisfies RedisOptions;

/** The client that all queues of the process share. */
export function createClient(config: RedisConfig, name: string): ScriptClient {
  const options: RedisOptions = {
    ...OPTIONS,
    connectionName: name,
    // After a failover the address may lead to what is a replica now.
    reconnectOnError: ({ message }) => message.includes('READONLY'),
  };
  const client =
    config.cluster === undefined ? createSingle(config, options) : createCluster(config, config.cluster, options);
  return client as unknown as ScriptClient;
}

/** A connection to listen on. It is not repaired: whoever uses it replaces it. */
export function createSubscriber(config: RedisConfig, client: ScriptClient, name: string): Redis {
  if (!(client instanceof Cluster)) {
    return new Redis({ ...OPTIONS, connectionName: name, ...serverOptions(config), retryStrategy: () => null });
  }
  // In a cluster every node hears what is published on any. While all are lost, none is known but from the configuration.
  const masters = client.nodes('master').map(({ options }) => options as Address);
  const nodes = masters.length > 0 ? masters : startNodes(config);
  const { host, port } = nodes[Math.floor(Math.random() * nodes.length)] as Address;
  const subscriber = createNode(config, { host, port }, name);
  // A node that has left the cluster hears nothing any more, and does not say so.
  const leave = ({ options }: Redis) => {
    if (options.host === host && options.port === port) subscriber.disconnect();
  };
  client.on('-node', leave);
  subscriber.once('end', () => client.off('-node', leave));
  return subscriber;
}

/** A connection to one node of a cluster. It is not repaired. */
export function createNode(config: RedisConfig, address: Address, name: string): Redis {
  const options: RedisOptions = { ...OPTIONS, connectionName: name, retryStrategy: () => null };
  return new Redis({ ...options, ...nodeOptions(config), ...address });
}

/** The nodes of the cluster that the configuration names. */
export function startNodes({ cluster }: RedisConfig): Address[] {
  return (cluster?.nodes ?? []).map(url => addressOf(url, 6379));
}

interface Address {
  readonly host: string;
  readonly port: number;
}

function createSingle(config: RedisConfig, options: RedisOptions): Redis {
  const settings = { ...options, ...serverOptions(config), retryStrategy: pauseBeforeReconnect, scripts: SCRIPTS };
  const client = new Redis(settings);
  // ioredis would go on in database 0.
  client.on('error', ({ command }: { command?: { name?: string } }) => {
    if (command?.name === 'select') client.disconnect(true);
  });
  return client;
}

function serverOptions(config: RedisConfig): RedisOptions {
  const { connection, sentinel } = config;
  if (sentinel !== undefined) {
    const { sentinels, name, db, username, password, sentinelUsername, sentinelPassword } = sentinel;
    const secure = tlsOf(config, sentinels);
    return given({
      sentinels: sentinels.map(url => addressOf(url, 26_379)),
      name,
      db,
      username,
      password,
      sentinelUsername,
      sentinelPassword,
      tls: secure,
      enableTLSForSentinelMode: secure !== undefined,
      sentinelTLS: secure,
      sentinelRetryStrategy: pauseBeforeReconnect,
      sentinelCommandTimeout: DIRECTIONS_MS,
    });
  }
  const url = connection ?? 'redis://localhost';
  const { username, password, pathname } = new URL(url);
  return given({
    ...addressOf(url, 6379),
    username: decodeURIComponent(username) || undefined,
    password: decodeURIComponent(password) || undefined,
    db: Number(pathname.slice(1) || 0),
    tls: tlsOf(config, [url]),
  });
}

function createCluster(config: RedisConfig, cluster: ClusterConfig, options: RedisOptions): Cluster {
  const settings: Omit<ClusterOptions, 'redisOptions'> & { redisOptions: RedisOptions } = {
    lazyConnect: true,
    enableOfflineQueue: false,
    scripts: SCRIPTS,
    redisOptions: { ...options, ...nodeOptions(config) },
    clusterRetryStrategy: pauseBeforeReconnect,
    slotsRefreshTimeout: DIRECTIONS_MS,
    slotsRefreshInterval: LOOK_AROUND_MS,
    // It would send again what may have been carried out.
    retryDelayOnFailover: 0,
    // Certificates have host names, not addresses.
    ...(tlsOf(config, cluster.nodes) && { dnsLookup: (host, callback) => callback(null, host) }),
  };
  return new Cluster(startNodes(config), settings);
}

function nodeOptions(config: RedisConfig): RedisOptions {
  const { nodes = [], username, password } = config.cluster ?? {};
  return given({ username, password, tls: tlsOf(config, nodes) });
}

/** Asked for by settings or by any of the URLs. */
function tlsOf({ tls }: RedisConfig, urls: readonly string[]): RedisConfig['tls'] {
  return tls ?? (urls.some(url => new URL(url).protocol === 'rediss:') ? {} : undefined);
}

function addressOf(url: string, defaultPort: number): Address {
  const { hostname, port } = new URL(url);
  // URLs have brackets around IPv6 addresses.
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || defaultPort) };
}

/** ioredis takes `undefined` for a value. */
function given(options: Record<string, unknown>): RedisOptions {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}
