import type { ServiceOptions } from '@switchyard/fault-kit';
import { testServer } from '@switchyard/test-servers';
import { ownSchema } from '../own-schema.ts';

/** Options for a place of its own on the server that all tests share. */
export async function ownPlace(): Promise<ServiceOptions> {
  return optionsFor((await testServer('postgres')).url);
}

export function optionsFor(url: string): ServiceOptions {
  return { defaultStore: 'postgres', postgres: { connection: url, schema: ownSchema('faults') } };
}
