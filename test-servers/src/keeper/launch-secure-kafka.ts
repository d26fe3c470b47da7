import { dirname, join } from 'node:path';
import type { Address } from '../address.ts';
import { freePort } from '../free-port.ts';
import { kafka } from '../kinds/kafka.ts';
import { kafkaCommand, kafkaProgram } from '../kinds/kafka-program.ts';
import { commonSettings } from '../kinds/kafka-settings.ts';
import type { KafkaSettings } from '../kinds/kafka-settings.ts';
import { findBinary } from '../obtain/find-binary.ts';
import { findJava } from '../obtain/find-java.ts';
import { runCommand } from '../obtain/run-command.ts';
import type { Machine } from './machine.ts';
import { processMachine } from './process-machine.ts';
import type { Run } from './run.ts';
import { upOnFreePort } from './up.ts';

export interface SecureKafka {
  readonly machine: Machine;
  readonly saslSsl: Address;
  readonly ssl: Address;
  /** The certificate of the broker, signed by itself. */
  readonly ca: string;
  readonly passwords: Readonly<Record<'admin' | 'app', string>>;
  /** Runs a class of Kafka's, whose name and arguments follow. */
  readonly java: readonly [command: string, ...args: string[]];
}

const PASSWORDS = { admin: 'admin-secret', app: 'app-secret' };
const STORE_PASSWORD = 'store-secret';

/** A broker with users, rights and TLS, always as a process. */
export async function launchSecureKafka(run: Run): Promise<SecureKafka> {
  const java = await kafkaCommand(kafka, run);
  const certificate = await makeCertificate(run);
  let access = { saslSsl: 0, ssl: 0 };
  const machine = await upOnFreePort(
    async port => {
      access = { saslSsl: await freePort(), ssl: await freePort() };
      const place = { run, port, folder: run.newFolder('kafka') };
      const ports = { ...access, plaintext: port, controller: await freePort() };
      const settings = { ...commonSettings(1), ...secureSettings(ports, certificate.store) };
      return processMachine(place, await kafkaProgram(kafka, place, settings, { format: scramUsers() }));
    },
    address => kafka.answers(address),
  );
  const { host } = machine.address;
  return {
    machine,
    saslSsl: { host, port: access.saslSsl },
    ssl: { host, port: access.ssl },
    ca: certificate.pem,
    passwords: PASSWORDS,
    java,
  };
}

/** Java comes with the tool, unlike OpenSSL. */
async function makeCertificate(run: Run): Promise<{ store: string; pem: string }> {
  const keytool = findBinary('keytool', dirname(findJava(kafka))) ?? findBinary('keytool');
  if (!keytool) throw new Error('There is no keytool beside java for the certificate of the tests');
  const store = join(run.newFolder('kafka-certificate'), 'broker.p12');
  const which = ['-keystore', store, '-storetype', 'PKCS12', '-storepass', STORE_PASSWORD, '-alias', 'broker'];
  const names = ['-dname', 'CN=Switchyard tests', '-ext', 'san=ip:127.0.0.1,dns:localhost', '-ext', 'bc:c'];
  const { signal } = run;
  await runCommand(keytool, ['-genkeypair', ...which, ...names, '-keyalg', 'RSA', '-validity', '30'], { signal });
  return { store, pem: await runCommand(keytool, ['-exportcert', '-rfc', ...which], { signal }) };
}

/** Kept in the broker's metadata, where the first of them must be before it starts. */
function scramUsers(): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap(mechanism =>
    Object.entries(PASSWORDS).flatMap(([name, password]) => [
      '--add-scram',
      `${mechanism}=[name=${name},password=${password}]`,
    ]),
  );
}

/** Who comes without a name, by `SSL` or `PLAINTEXT`, may do everything, as the broker itself must. */
function secureSettings(
  ports: Readonly<Record<'plaintext' | 'saslSsl' | 'ssl' | 'controller', number>>,
  store: string,
): KafkaSettings {
  const { controller, ...others } = ports;
  const clients = `PLAINTEXT://127.0.0.1:${others.plaintext},SASL_SSL://127.0.0.1:${others.saslSsl},SSL://127.0.0.1:${others.ssl}`;
  const users = Object.entries(PASSWORDS).map(([name, password]) => `user_${name}="${password}"`);
  const scram = 'org.apache.kafka.common.security.scram.ScramLoginModule required;';
  return {
    'node.id': '1',
    'controller.quorum.voters': `1@127.0.0.1:${controller}`,
    listeners: `${clients},CONTROLLER://127.0.0.1:${controller}`,
    'advertised.listeners': clients,
    'listener.security.protocol.map': 'PLAINTEXT:PLAINTEXT,SASL_SSL:SASL_SSL,SSL:SSL,CONTROLLER:PLAINTEXT',
    'inter.broker.listener.name': 'PLAINTEXT',
    'sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    'listener.name.sasl_ssl.plain.sasl.jaas.config': `org.apache.kafka.common.security.plain.PlainLoginModule required ${users.join(' ')};`,
    'listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config': scram,
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config': scram,
    'ssl.keystore.location': store,
    'ssl.keystore.type': 'PKCS12',
    'ssl.keystore.password': STORE_PASSWORD,
    'ssl.key.password': STORE_PASSWORD,
    'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
    'allow.everyone.if.no.acl.found': 'false',
    'super.users': 'User:admin;User:ANONYMOUS',
  };
}
