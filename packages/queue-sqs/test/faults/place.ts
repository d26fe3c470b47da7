import { randomUUID } from 'node:crypto';
import type { ServiceOptions } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { settingsFor } from '../open-store.ts';

/** Options for a place of its own on the server that all tests share. */
export async function ownPlace(): Promise<ServiceOptions> {
  return optionsFor((await testServer('sqs')).url);
}

export function optionsFor(url: string): ServiceOptions {
  return { defaultStore: 'sqs', sqs: { ...settingsFor(url), queueNamePrefix: `faults-${randomUUID().slice(0, 8)}` } };
}
