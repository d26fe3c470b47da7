import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Run } from '../keeper/run.ts';
import { findJava } from '../obtain/find-java.ts';
import { mavenLibrary } from '../obtain/maven-library.ts';
import type { Wanted } from '../obtain/not-had.ts';
import { runCommand } from '../obtain/run-command.ts';
import type { KafkaSettings } from './kafka-settings.ts';
import type { Place, Program } from './kind.ts';

const JVM = ['-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn'];

export interface KafkaProgramOptions {
  /** The same for all brokers of a cluster. */
  readonly clusterId?: string;
  /** More arguments for the tool that formats the data folder. */
  readonly format?: readonly string[];
  readonly heap?: string;
}

export function newClusterId(): string {
  return randomBytes(16).toString('base64url');
}

/** How to run a class of Kafka's. */
export async function kafkaCommand(
  wanted: Wanted,
  run: Run,
  heap = '512m',
): Promise<[java: string, ...args: string[]]> {
  const java = findJava(wanted);
  return [java, ...JVM, `-Xmx${heap}`, '-cp', join(await mavenLibrary(run, wanted), '*')];
}

/** Gets Kafka and prepares the data of a broker. */
export async function kafkaProgram(
  wanted: Wanted,
  { run, folder }: Omit<Place, 'port'>,
  settings: KafkaSettings,
  { clusterId = newClusterId(), format = [], heap }: KafkaProgramOptions = {},
): Promise<Program> {
  const [java, ...kafka] = await kafkaCommand(wanted, run, heap);
  const config = join(folder, 'server.properties');
  const lines = Object.entries({ ...settings, 'log.dirs': join(folder, 'data') }).map(
    ([key, value]) => `${key}=${value}`,
  );
  writeFileSync(config, [...lines, ''].join('\n'));
  // Every 64th id begins with a hyphen: behind `-t` it would be taken for an option.
  const id = `--cluster-id=${clusterId}`;
  await runCommand(java, [...kafka, 'kafka.tools.StorageTool', 'format', id, '-c', config, ...format], {
    signal: run.signal,
  });
  return { command: java, args: [...kafka, 'kafka.Kafka', config] };
}
