import type { ConnectionOptions } from '@platformatic/kafka';
import type { KafkaConfig } from '../config.ts';
import type { BrokerAddress } from './broker-link.ts';

const MECHANISMS = { plain: 'PLAIN', 'scram-sha-256': 'SCRAM-SHA-256', 'scram-sha-512': 'SCRAM-SHA-512' } as const;

export function brokerAddresses({ brokers }: Pick<KafkaConfig, 'brokers'>): BrokerAddress[] {
  return brokers.map(broker => {
    const end = broker.lastIndexOf(':');
    return { host: broker.slice(0, end).replace(/^\[|\]$/g, ''), port: Number(broker.slice(end + 1)) };
  });
}

/** TLS and SASL as the library wants them. */
export function securityOf({ ssl, sasl }: Pick<KafkaConfig, 'ssl' | 'sasl'>): Pick<ConnectionOptions, 'tls' | 'sasl'> {
  const tls = ssl === true ? {} : ssl;
  return {
    ...(tls !== undefined && tls !== false && { tls }),
    ...(sasl !== undefined && { sasl: { ...sasl, mechanism: MECHANISMS[sasl.mechanism] } }),
  };
}
