import { spawnSync } from 'node:child_process';

const GUARD = ['setpriv', '--pdeathsig', 'KILL'];
let works: boolean | undefined;

/**
 * The command that Linux kills when this process dies, however it dies. Elsewhere the command as it is: there only the
 * death of the keeper itself by SIGKILL leaves servers behind.
 */
export function diesWithParent(command: string, args: readonly string[]): [command: string, args: string[]] {
  works ??= process.platform === 'linux' && spawnSync('setpriv', [...GUARD.slice(1), 'true']).status === 0;
  return works ? ['setpriv', [...GUARD.slice(1), command, ...args]] : [command, [...args]];
}
