import { execFileSync } from 'node:child_process';
import { chownSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { aptInstall } from '../obtain/apt-install.ts';
import { findBinary, newestOf } from '../obtain/find-binary.ts';
import { notHad } from '../obtain/not-had.ts';
import { runCommand } from '../obtain/run-command.ts';
import { selectOne } from '../wire/select-one.ts';
import type { Kind, User } from './kind.ts';

/** Data need only outlive the death of the process, not of the machine: what was written is safe without fsync. */
const SETTINGS = ['-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'max_connections=300'];

export const postgres: Kind<'postgres'> = {
  name: 'postgres',
  variable: 'SWITCHYARD_TEST_POSTGRES_URL',
  url: ({ host, port }) => `postgres://postgres@${host}:${port}/postgres`,
  answers: selectOne,

  async prepare({ run, folder, port }, { args = [] }) {
    const command = findPostgres() ?? (await aptInstall(run, 'postgresql', findPostgres));
    if (command === undefined)
      throw notHad(this, 'PostgreSQL 13 or later, with postgres and initdb on the PATH', 'postgresql');
    const user = unprivileged();
    if (user) chownSync(folder, user.uid, user.gid);
    await runCommand(
      join(dirname(command), 'initdb'),
      ['-D', folder, '-U', 'postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C'],
      { signal: run.signal, cwd: folder, ...user },
    );
    const listen = ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', '-p', String(port)];
    return {
      command,
      args: ['-D', folder, ...listen, ...SETTINGS, ...args],
      // Ends the sessions instead of waiting for them.
      stopSignal: 'SIGINT',
      ...(user && { user }),
    };
  },

  container: ({ port }, { args = [] }) => ({
    image: 'postgres:18',
    publish: [{ container: 5432, host: port }],
    environment: { POSTGRES_HOST_AUTH_METHOD: 'trust' },
    command: ['postgres', ...SETTINGS, ...args],
  }),
};

function findPostgres(): string | undefined {
  const found = findBinary('postgres');
  // Some put a link to the server on the PATH but not to its tools.
  return found && findBinary('initdb', dirname(found)) ? found : newestOf('/usr/lib/postgresql', 'bin/postgres');
}

/** PostgreSQL refuses to run as root. */
export function unprivileged(): User | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      return { uid: idOf('-u', name), gid: idOf('-g', name) };
    } catch {
      // There is no such user.
    }
  }
  throw new Error('PostgreSQL refuses to run as root, and there is neither a user postgres nor a user nobody');
}

function idOf(flag: '-u' | '-g', name: string): number {
  return Number(execFileSync('id', [flag, name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }));
}
