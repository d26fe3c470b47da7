import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../address.ts';
import { freePort } from '../free-port.ts';
import { findJava } from '../obtain/find-java.ts';
import { mavenLibrary } from '../obtain/maven-library.ts';
import { runCommand } from '../obtain/run-command.ts';
import { kafkaBrokers } from '../wire/kafka-brokers.ts';
import type { Kind } from './kind.ts';

const JVM = [
  '-Xmx512m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
];

export const kafka: Kind<'kafka'> = {
  name: 'kafka',
  variable: 'SWITCHYARD_TEST_KAFKA_BROKERS',
  url: ({ host, port }) => `${host}:${port}`,

  async answers(address) {
    if ((await kafkaBrokers(address)) === 0) throw new Error('The broker is not in service yet');
  },

  async prepare({ run, folder, port }, { advertise = { host: '127.0.0.1', port } }) {
    const java = findJava(this);
    const libraries = join(await mavenLibrary(run, this), '*');
    const config = join(folder, 'server.properties');
    const ports = { client: port, internal: await freePort(), controller: await freePort() };
    writeFileSync(config, toLines({ ...properties('127.0.0.1', ports, advertise), 'log.dirs': join(folder, 'data') }));
    const id = randomBytes(16).toString('base64url');
    const format = ['-cp', libraries, 'kafka.tools.StorageTool', 'format', '-t', id, '-c', config];
    await runCommand(java, [...JVM, ...format], { signal: run.signal });
    return { command: java, args: [...JVM, '-cp', libraries, 'kafka.Kafka', config] };
  },

  container: (published, { advertise = published }) => ({
    image: 'apache/kafka:4.4.0',
    publish: [{ container: 9092, host: published.port }],
    environment: toVariables(properties('0.0.0.0', { client: 9092, internal: 19_092, controller: 19_093 }, advertise)),
  }),
};

/** The broker talks to itself on a listener of its own, so that a fault on the way of its clients is only theirs. */
function properties(
  bind: string,
  ports: { client: number; internal: number; controller: number },
  advertise: Address,
): Record<string, string> {
  return {
    'process.roles': 'broker,controller',
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: `CLIENT://${bind}:${ports.client},INTERNAL://127.0.0.1:${ports.internal},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `CLIENT://${advertise.host}:${advertise.port},INTERNAL://127.0.0.1:${ports.internal}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
    'controller.listener.names': 'CONTROLLER',
    'offsets.topic.replication.factor': '1',
    'offsets.topic.num.partitions': '1',
    'transaction.state.log.replication.factor': '1',
    'transaction.state.log.min.isr': '1',
    'transaction.state.log.num.partitions': '1',
    'share.coordinator.state.topic.replication.factor': '1',
    'share.coordinator.state.topic.min.isr': '1',
    'group.initial.rebalance.delay.ms': '0',
    // How long after a kill the controller goes on to believe in the broker that was, and refuses the new one.
    'broker.session.timeout.ms': '3000',
    'broker.heartbeat.interval.ms': '500',
  };
}

function toLines(entries: Record<string, string>): string {
  return Object.entries(entries)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('');
}

function toVariables(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(entries).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
  );
}
