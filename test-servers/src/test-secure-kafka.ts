import type { Address } from './address.ts';
import { keeper } from './keeper/connection.ts';
import { runCommand } from './obtain/run-command.ts';
import { ownedServer } from './own-server.ts';
import type { OwnServer } from './own-server.ts';

const TOOLS = {
  'kafka-acls': 'org.apache.kafka.tools.AclCommand',
  'kafka-configs': 'org.apache.kafka.tools.ConfigCommand',
  'kafka-topics': 'org.apache.kafka.tools.TopicCommand',
} as const;

/** Kafka's own tools, by the names of their scripts. */
export type KafkaTool = keyof typeof TOOLS;

export interface KafkaUser {
  readonly username: string;
  readonly password: string;
}

/**
 * A broker with users, rights and TLS that nobody else uses. Its `address`, `url` and `proxy` are those of the listener
 * without TLS. Who comes without a name, by that one or by `ssl`, may do everything.
 */
export interface TestSecureKafka extends OwnServer {
  readonly listeners: {
    /** With the mechanisms PLAIN, SCRAM-SHA-256 and SCRAM-SHA-512. */
    readonly saslSsl: Address;
    readonly ssl: Address;
    readonly plaintext: Address;
  };
  /** What a client must trust, as PEM. */
  readonly ca: string;
  /** `admin` may do everything, `app` nothing until somebody grants it. The same by all mechanisms. */
  readonly users: { readonly admin: KafkaUser; readonly app: KafkaUser };
  /**
   * Runs a tool as one who may do everything, and resolves with what it printed. The address of the broker is added.
   * @throws With the end of what it printed, if it fails.
   */
  run(tool: KafkaTool, ...args: readonly string[]): Promise<string>;
}

/** @throws If there is no Kafka to be had; the message says what to install. */
export async function testSecureKafka(): Promise<TestSecureKafka> {
  const call = await keeper();
  const { saslSsl, ssl, ca, passwords, java, ...kept } = await call('launchSecureKafka');
  const server = ownedServer(kept);
  const [command, ...jvm] = java;
  return {
    ...server,
    listeners: { saslSsl, ssl, plaintext: server.address },
    ca,
    users: {
      admin: { username: 'admin', password: passwords.admin },
      app: { username: 'app', password: passwords.app },
    },
    run: (tool, ...args) => runCommand(command, [...jvm, TOOLS[tool], '--bootstrap-server', server.url, ...args]),
  };
}
