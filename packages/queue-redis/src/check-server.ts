import type { AdapterContext } from '@switchyard/queue-api';
import { Cluster, type Redis } from 'ioredis';
import type { ScriptClient } from './clients.ts';

/**
 * Warns of what can make a server lose jobs: an eviction policy that takes any key, and no persistence. Says nothing where
 * the server does not let us ask, as many managed ones do not.
 */
export async function checkServer(client: ScriptClient, report: AdapterContext['report']): Promise<void> {
  const nodes: readonly Redis[] = client instanceof Cluster ? client.nodes('master') : [client];
  await Promise.all(nodes.map(node => checkNode(node, report).catch(() => {})));
}

async function checkNode(node: Redis, report: AdapterContext['report']): Promise<void> {
  const policy = /^maxmemory_policy:(\S+)/m.exec(await node.info('memory'))?.[1];
  // Keys without a time to live, as all of ours are, are safe from the others.
  if (policy?.startsWith('allkeys-')) {
    const message = `Redis may delete jobs when its memory is full: its maxmemory-policy is ${policy}. Set it to noeviction`;
    report({ level: 'warning', code: 'eviction', message });
  }
  const save = (await node.config('GET', 'save'))[1];
  const appendOnly = (await node.config('GET', 'appendonly'))[1];
  if (appendOnly === 'yes' || save !== '') return;
  const message =
    'Redis keeps nothing over a restart: neither appendonly nor save is set. Jobs that wait are then lost';
  report({ level: 'warning', code: 'no-persistence', message });
}
