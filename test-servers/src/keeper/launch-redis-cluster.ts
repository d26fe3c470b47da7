import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRuntimeClient } from 'testcontainers';
import { freePort } from '../free-port.ts';
import { redis, redisArgs, redisImage } from '../kinds/redis.ts';
import type { RedisOptions } from '../server-options.ts';
import { redisCommand } from '../wire/redis-command.ts';
import { haveImage, hostOf } from './docker-engine.ts';
import { firstWay } from './first-way.ts';
import { launchProcess } from './launch.ts';
import type { Machine } from './machine.ts';
import type { Run } from './run.ts';
import { up } from './up.ts';

const SLOTS = 16_384;
const JOIN_MS = 30_000;

interface Node {
  readonly machine: Machine;
  /** Where the nodes talk to each other. */
  readonly busPort: number;
}

/** Three masters that share the slots. */
export async function launchRedisCluster(run: Run, options: RedisOptions): Promise<Machine[]> {
  const nodes = await firstWay(run, 'a Redis Cluster', {
    docker: engine => nodesInDocker(run, engine, options),
    process: () => Promise.all([1, 2, 3].map(() => nodeAsProcess(run, options))),
  });
  await join(nodes);
  return nodes.map(({ machine }) => machine);
}

async function nodeAsProcess(run: Run, options: RedisOptions): Promise<Node> {
  const busPort = await freePort();
  return { busPort, machine: await launchProcess(run, redis, { ...options, args: clusterArgs(busPort) }) };
}

/**
 * Nodes and clients must know a node by the same address. So the nodes, a container each, live in the network of another
 * container, which publishes their ports under the numbers that they have inside.
 */
async function nodesInDocker(run: Run, engine: ContainerRuntimeClient, options: RedisOptions): Promise<Node[]> {
  if (hostOf(engine) !== '127.0.0.1') throw new Error('The engine is on another machine');
  const { containerMachine } = await import('./container-machine.ts');
  await haveImage(run, engine, redisImage);
  const ports = await Promise.all([freePort(), freePort(), freePort()]);
  const [first] = ports;
  const publish = ports.map(port => ({ container: port, host: port }));
  const network = containerMachine(run, engine, first, { image: redisImage, command: ['sleep', 'infinity'], publish });
  await network.start();
  return Promise.all(
    ports.map(async port => {
      const busPort = await freePort();
      const machine = containerMachine(run, engine, port, {
        image: redisImage,
        network: `container:${network.container}`,
        command: [
          'redis-server',
          '--protected-mode',
          'no',
          ...redisArgs(port, { ...options, args: clusterArgs(busPort) }),
        ],
      });
      await up(machine, address => redis.answers(address));
      return { machine, busPort };
    }),
  );
}

function clusterArgs(busPort: number): string[] {
  return ['--cluster-enabled', 'yes', '--cluster-port', String(busPort), '--cluster-node-timeout', '2000'];
}

/** What `redis-cli --cluster create` does, which is not installed everywhere. */
async function join(nodes: readonly Node[]): Promise<void> {
  const share = Math.ceil(SLOTS / nodes.length);
  await Promise.all(
    nodes.map(async ({ machine: { address } }, index) => {
      const from = index * share;
      const to = Math.min(from + share, SLOTS) - 1;
      await redisCommand(address, 'CLUSTER', 'ADDSLOTSRANGE', String(from), String(to));
      await redisCommand(address, 'CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
    }),
  );
  const [first, ...others] = nodes;
  if (!first) return;
  for (const { machine, busPort } of others) {
    const peer = ['127.0.0.1', String(machine.address.port), String(busPort)];
    await redisCommand(first.machine.address, 'CLUSTER', 'MEET', ...peer);
  }
  for (const { machine } of nodes) await untilJoined(machine, nodes.length);
}

async function untilJoined({ address }: Machine, count: number): Promise<void> {
  for (const deadline = Date.now() + JOIN_MS; ;) {
    const info = await redisCommand(address, 'CLUSTER', 'INFO');
    if (info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${count}`)) return;
    if (Date.now() > deadline) throw new Error(`The Redis Cluster does not come together:\n${info}`);
    await sleep(25);
  }
}
