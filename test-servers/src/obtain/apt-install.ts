import { existsSync, rmSync, writeFileSync } from 'node:fs';
import type { Run } from '../keeper/run.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { runCommand } from './run-command.ts';

const POLICY = '/usr/sbin/policy-rc.d';
const APT = ['-y', '-o', 'DPkg::Lock::Timeout=300'];

/**
 * Installs a package of the system and returns what `find` finds then; undefined where that is not possible: elsewhere
 * than on Debian or Ubuntu, or for anybody but root. The package's own service is not started.
 */
export async function aptInstall(run: Run, name: string, find: () => string | undefined): Promise<string | undefined> {
  if (process.getuid?.() !== 0 || !existsSync('/etc/debian_version') || !existsSync('/usr/bin/apt-get'))
    return undefined;
  run.say(`installing the system's package ${name} (apt-get install ${name})`);
  // A half-configured package is worse than a late end: the run waits.
  await run.finish(install(name));
  return find();
}

const install = oneAtATime(async (name: string) => {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  const ours = forbidServices();
  try {
    await runCommand('apt-get', [...APT, 'update'], { env });
    await runCommand('apt-get', [...APT, 'install', '--no-install-recommends', name], { env });
  } finally {
    if (ours) rmSync(POLICY);
  }
});

/** Packages of servers ask this program whether they may start their service; 101 says no. */
function forbidServices(): boolean {
  if (existsSync(POLICY)) return false;
  writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  return true;
}
