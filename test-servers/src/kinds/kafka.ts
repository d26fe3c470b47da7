import type { Address } from '../address.ts';
import { freePort } from '../free-port.ts';
import { kafkaMetadata } from '../wire/kafka-metadata.ts';
import { kafkaProgram } from './kafka-program.ts';
import { commonSettings } from './kafka-settings.ts';
import type { KafkaSettings } from './kafka-settings.ts';
import type { Kind } from './kind.ts';

export const kafka: Kind<'kafka'> = {
  name: 'kafka',
  variable: 'SWITCHYARD_TEST_KAFKA_BROKERS',
  url: ({ host, port }) => `${host}:${port}`,

  async answers(address) {
    const { brokers } = await kafkaMetadata(address);
    // In a cluster the others may be in service when this one, just started, is not.
    if (!brokers.some(({ port }) => port === address.port)) throw new Error('The broker is not in service yet');
  },

  async prepare(place, { settings }) {
    const advertised = { host: '127.0.0.1', port: place.port };
    const ports = { client: place.port, internal: await freePort(), controller: await freePort() };
    return kafkaProgram(this, place, { ...singleSettings('127.0.0.1', ports, advertised), ...settings });
  },

  container: (published, { settings }) => ({
    image: 'apache/kafka:4.4.0',
    publish: [{ container: 9092, host: published.port }],
    environment: toVariables({
      ...singleSettings('0.0.0.0', { client: 9092, internal: 19_092, controller: 19_093 }, published),
      ...settings,
    }),
  }),
};

/** The broker talks to itself on a listener of its own: a container cannot reach itself where it is published. */
function singleSettings(
  bind: string,
  ports: { client: number; internal: number; controller: number },
  advertised: Address,
): KafkaSettings {
  return {
    ...commonSettings(1),
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
    listeners: `CLIENT://${bind}:${ports.client},INTERNAL://127.0.0.1:${ports.internal},CONTROLLER://127.0.0.1:${ports.controller}`,
    'advertised.listeners': `CLIENT://${advertised.host}:${advertised.port},INTERNAL://127.0.0.1:${ports.internal}`,
    'listener.security.protocol.map': 'CLIENT:PLAINTEXT,INTERNAL:PLAINTEXT,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'INTERNAL',
  };
}

function toVariables(settings: KafkaSettings): Record<string, string> {
  return Object.fromEntries(
    Object.entries(settings).map(([key, value]) => [`KAFKA_${key.toUpperCase().replaceAll('.', '_')}`, value]),
  );
}
