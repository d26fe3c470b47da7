import { randomUUID } from 'node:crypto';
import type { ServiceOptions } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';

/** Options for a place of its own on the server that all tests share. */
export async function ownPlace(): Promise<ServiceOptions> {
  return optionsFor((await testServer('redis')).url);
}

export function optionsFor(url: string): ServiceOptions {
  return { defaultStore: 'redis', redis: { connection: url, keyPrefix: `faults-${randomUUID()}` } };
}
