import type { Socket } from 'node:net';
import { kinds } from '../kinds/index.ts';
import type { ServerName } from '../kinds/kind.ts';
import type { KafkaOptions, RedisOptions, ServerOptions } from '../server-options.ts';
import { serveCalls } from './channel.ts';
import { launch } from './launch.ts';
import { launchKafkaCluster } from './launch-kafka-cluster.ts';
import { launchSecureKafka } from './launch-secure-kafka.ts';
import type { SecureKafka } from './launch-secure-kafka.ts';
import { launchPgBouncer } from './launch-pgbouncer.ts';
import { launchRedisCluster } from './launch-redis-cluster.ts';
import { launchRedisSentinel } from './launch-redis-sentinel.ts';
import type { Machine } from './machine.ts';
import type { Run } from './run.ts';
import { up } from './up.ts';

/** What the processes of a run may ask of the one that keeps the servers. */
export interface KeeperCalls {
  /** The server that all share, started for whoever asks first. */
  share(name: ServerName): Promise<KeptServer>;
  /** A server of the caller's own, removed when the caller's process is gone. */
  launch(name: ServerName, options: ServerOptions[ServerName]): Promise<KeptServer>;
  launchKafkaCluster(options: KafkaOptions): Promise<KeptServer[]>;
  launchSecureKafka(): Promise<KeptServer & Omit<SecureKafka, 'machine'>>;
  launchRedisCluster(options: RedisOptions): Promise<KeptServer[]>;
  /** The master, the replica and the sentinels. */
  launchRedisSentinel(): Promise<KeptServer[]>;
  launchPgBouncer(server: Machine['address']): Promise<KeptServer>;
  start(id: number): Promise<void>;
  stop(id: number): Promise<void>;
  kill(id: number): Promise<void>;
  remove(id: number): Promise<void>;
}

export interface KeptServer {
  readonly id: number;
  readonly name: ServerName;
  readonly way: Machine['way'];
  readonly address: Machine['address'];
}

/** Returns what serves a connection from a process of the run. */
export function createKeeper(run: Run): (caller: Socket) => void {
  const shared = new Map<ServerName, Promise<KeptServer>>();
  const kept: { readonly name: ServerName; readonly machine: Machine }[] = [];

  function keep(name: ServerName, machine: Machine): KeptServer {
    const id = kept.push({ name, machine }) - 1;
    return { id, name, way: machine.way, address: machine.address };
  }

  function find(id: number) {
    const found = kept[id];
    if (!found) throw new Error(`There is no server ${id}`);
    return found;
  }

  return caller => {
    const own: Promise<readonly Machine[]>[] = [];
    caller.on('close', () => {
      for (const starting of own) {
        starting
          .then(machines => Promise.all(machines.map(machine => machine.remove())))
          .catch((error: unknown) => run.say(`could not remove a server: ${String(error)}`));
      }
    });

    serveCalls<KeeperCalls>(caller, {
      share(name) {
        const server = shared.get(name) ?? launch(run, name, {}).then(machine => keep(name, machine));
        shared.set(name, server);
        return server;
      },
      async launch(name, options) {
        const starting = launch(run, name, options);
        own.push(
          starting.then(
            machine => [machine],
            () => [],
          ),
        );
        return keep(name, await starting);
      },
      async launchKafkaCluster(options) {
        const starting = launchKafkaCluster(run, options);
        own.push(starting.catch(() => []));
        return (await starting).map(machine => keep('kafka', machine));
      },
      async launchSecureKafka() {
        const starting = launchSecureKafka(run);
        own.push(
          starting.then(
            ({ machine }) => [machine],
            () => [],
          ),
        );
        const { machine, ...access } = await starting;
        return { ...keep('kafka', machine), ...access };
      },
      async launchRedisCluster(options) {
        const starting = launchRedisCluster(run, options);
        own.push(starting.catch(() => []));
        return (await starting).map(machine => keep('redis', machine));
      },
      async launchRedisSentinel() {
        const starting = launchRedisSentinel(run);
        own.push(starting.catch(() => []));
        return (await starting).map(machine => keep('redis', machine));
      },
      async launchPgBouncer(server) {
        const starting = launchPgBouncer(run, server);
        own.push(
          starting.then(
            machine => [machine],
            () => [],
          ),
        );
        return keep('postgres', await starting);
      },
      async start(id) {
        const { name, machine } = find(id);
        await up(machine, address => kinds[name].answers(address));
      },
      stop: async id => find(id).machine.stop(),
      kill: async id => find(id).machine.kill(),
      remove: async id => find(id).machine.remove(),
    });
  };
}
