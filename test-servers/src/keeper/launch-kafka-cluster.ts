import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../free-port.ts';
import { kafka } from '../kinds/kafka.ts';
import { kafkaProgram, newClusterId } from '../kinds/kafka-program.ts';
import { commonSettings } from '../kinds/kafka-settings.ts';
import type { KafkaSettings } from '../kinds/kafka-settings.ts';
import { kafkaMetadata } from '../wire/kafka-metadata.ts';
import type { KafkaOptions } from '../server-options.ts';
import type { Machine } from './machine.ts';
import { processMachine } from './process-machine.ts';
import type { Run } from './run.ts';
import { retriedOnTakenPort, up } from './up.ts';

const JOIN_MS = 30_000;

interface Node {
  readonly id: number;
  readonly client: number;
  readonly controller: number;
}

/**
 * Three brokers that are the three controllers as well, always as processes: brokers tell clients the addresses that they use
 * themselves.
 */
export function launchKafkaCluster(run: Run, { settings }: KafkaOptions): Promise<Machine[]> {
  return retriedOnTakenPort(async () => {
    const nodes = await Promise.all(
      [1, 2, 3].map(async id => ({ id, client: await freePort(), controller: await freePort() })),
    );
    const clusterId = newClusterId();
    const voters = nodes.map(({ id, controller }) => `${id}@127.0.0.1:${controller}`).join(',');
    const machines = await Promise.all(
      nodes.map(async node => {
        const place = { run, port: node.client, folder: run.newFolder('kafka') };
        const all = { ...commonSettings(3), ...nodeSettings(node), 'controller.quorum.voters': voters, ...settings };
        return processMachine(place, await kafkaProgram(kafka, place, all, { clusterId, heap: '256m' }));
      }),
    );
    try {
      await Promise.all(machines.map(machine => up(machine, address => kafka.answers(address))));
      await Promise.all(machines.map(machine => untilJoined(machine, machines.length)));
      return machines;
    } catch (error) {
      await Promise.all(machines.map(machine => machine.remove()));
      throw error;
    }
  });
}

function nodeSettings({ id, client, controller }: Node): KafkaSettings {
  return {
    'node.id': String(id),
    listeners: `CLIENT://127.0.0.1:${client},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': `CLIENT://127.0.0.1:${client}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'CLIENT',
  };
}

async function untilJoined({ address }: Machine, count: number): Promise<void> {
  for (const deadline = Date.now() + JOIN_MS; ; await sleep(25)) {
    const { brokers } = await kafkaMetadata(address);
    if (brokers.length === count) return;
    if (Date.now() > deadline)
      throw new Error(`The Kafka cluster does not come together: ${brokers.length} of ${count}`);
  }
}
