// Makes a fresh clone ready: installs what the lock file says and builds what changed, and quickly does nothing when
// all is there. Runs on whatever Node a machine has, because it is what brings the right one: the `node` package of
// the root's devDependencies, which npm puts first on the PATH of every script.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const stamp = join(root, 'node_modules', '.switchyard-installed');

export function ready() {
  const wanted = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    // `ci` begins by deleting what is there, perhaps under the feet of a running editor or test.
    run('npm', [existsSync(join(root, 'node_modules')) ? 'install' : 'ci', '--no-audit', '--no-fund']);
    writeFileSync(stamp, wanted);
  }
  run('npm', ['run', '--silent', 'build']);
}

/** Runs a command in the root with its output shown only when it fails: the reader came for something else. */
function run(command, args) {
  console.error(`> ${command} ${args.join(' ')}`);
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd: root,
    encoding: 'utf8',
    env: environment(),
  });
  if (status === 0) return;
  process.stderr.write(`${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}\n`);
  process.exit(status ?? 1);
}

/** The PATH with this project's tools first, whoever calls. */
export function environment() {
  return { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}:${process.env.PATH}` };
}
