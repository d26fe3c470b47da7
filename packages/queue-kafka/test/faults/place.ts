import { randomUUID } from 'node:crypto';
import type { ServiceOptions } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';

/** The shortest session that the brokers of the tests take: so long the partitions of a worker that died wait. */
export const SESSION_MS = 3000;

/** Options for a place of its own on the server that all tests share. */
export async function ownPlace(): Promise<ServiceOptions> {
  return optionsFor((await testServer('kafka')).url);
}

export function optionsFor(brokers: string, settings: Readonly<Record<string, unknown>> = {}): ServiceOptions {
  const topicPrefix = `faults-${randomUUID().slice(0, 8)}`;
  return { defaultStore: 'kafka', leaseDuration: SESSION_MS, kafka: { brokers, topicPrefix, ...settings } };
}
