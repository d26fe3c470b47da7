import { chownSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Address } from '../address.ts';
import { postgres, unprivileged } from '../kinds/postgres.ts';
import { aptInstall } from '../obtain/apt-install.ts';
import { findBinary } from '../obtain/find-binary.ts';
import type { Machine } from './machine.ts';
import { processMachine } from './process-machine.ts';
import type { Run } from './run.ts';
import { upOnFreePort } from './up.ts';

/** A pool in front of a PostgreSQL server that shares its sessions by the transaction, always as a process. */
export function launchPgBouncer(run: Run, { host, port }: Address): Promise<Machine> {
  return upOnFreePort(
    async own => {
      const command = findPgBouncer() ?? (await aptInstall(run, 'pgbouncer', findPgBouncer));
      if (command === undefined)
        throw new Error('There is no PgBouncer for the tests: install it (Debian, Ubuntu: apt-get install pgbouncer)');
      const folder = run.newFolder('pgbouncer');
      const config = join(folder, 'pgbouncer.ini');
      const settings = [
        '[databases]',
        `postgres = host=${host} port=${port} user=postgres`,
        '[pgbouncer]',
        'listen_addr = 127.0.0.1',
        `listen_port = ${own}`,
        'unix_socket_dir =',
        'auth_type = any',
        'pool_mode = transaction',
        'default_pool_size = 4',
      ];
      writeFileSync(config, [...settings, ''].join('\n'));
      const user = unprivileged();
      if (user) chownSync(folder, user.uid, user.gid);
      return processMachine({ run, folder, port: own }, { command, args: [config], ...(user && { user }) });
    },
    address => postgres.answers(address),
  );
}

function findPgBouncer(): string | undefined {
  return findBinary('pgbouncer') ?? findBinary('pgbouncer', '/usr/sbin');
}
