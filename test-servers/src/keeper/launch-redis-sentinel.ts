import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { redis } from '../kinds/redis.ts';
import { launchProcess } from './launch.ts';
import type { Machine } from './machine.ts';
import { processMachine } from './process-machine.ts';
import type { Run } from './run.ts';
import { upOnFreePort } from './up.ts';

/** Under which the sentinels know the master. */
const MASTER_NAME = 'mymaster';

/** Soon, and by two of three. */
const SETTINGS = [
  `sentinel down-after-milliseconds ${MASTER_NAME} 1000`,
  `sentinel failover-timeout ${MASTER_NAME} 5000`,
  `sentinel parallel-syncs ${MASTER_NAME} 1`,
];

/**
 * A master, its replica and three sentinels, always as processes: sentinels tell clients the addresses that they use
 * themselves, which are not those of the host in a container's network.
 */
export async function launchRedisSentinel(run: Run): Promise<Machine[]> {
  const master = await launchProcess(run, redis, { persistence: 'everysec' });
  const { host, port } = master.address;
  const replica = await launchProcess(run, redis, {
    persistence: 'everysec',
    args: ['--replicaof', host, String(port), '--repl-diskless-sync-delay', '0'],
  });
  const monitor = `sentinel monitor ${MASTER_NAME} ${host} ${port} 2`;
  const sentinels = await Promise.all([1, 2, 3].map(() => launchSentinel(run, [monitor, ...SETTINGS])));
  return [master, replica, ...sentinels];
}

function launchSentinel(run: Run, settings: readonly string[]): Promise<Machine> {
  return upOnFreePort(
    async port => {
      const place = { run, port, folder: run.newFolder('sentinel') };
      const { command } = await redis.prepare(place, {});
      // Sentinels write down in it what they learn.
      const config = join(place.folder, 'sentinel.conf');
      writeFileSync(config, [`port ${port}`, 'bind 127.0.0.1', ...settings, ''].join('\n'));
      return processMachine(place, { command, args: [config, '--sentinel'] });
    },
    address => redis.answers(address),
  );
}
