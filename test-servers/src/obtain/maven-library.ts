import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Run } from '../keeper/run.ts';
import { findBinary } from './find-binary.ts';
import { notHad } from './not-had.ts';
import type { Wanted } from './not-had.ts';
import { oneAtATime } from './one-at-a-time.ts';
import { runCommand } from './run-command.ts';

/**
 * The folder with the jar files that `pom/<name>.xml` asks for: fetched once, then kept outside the repository under
 * the hash of that file.
 */
export const mavenLibrary = oneAtATime(async (run: Run, wanted: Wanted): Promise<string> => {
  const pom = fileURLToPath(new URL(`../../pom/${wanted.name}.xml`, import.meta.url));
  const hash = createHash('sha256').update(readFileSync(pom)).digest('hex').slice(0, 16);
  const folder = join(cache(), `${wanted.name}-${hash}`);
  if (!existsSync(folder)) await fetchInto(folder, pom, run, wanted);
  return folder;
});

async function fetchInto(folder: string, pom: string, run: Run, wanted: Wanted): Promise<void> {
  const maven = findBinary('mvn');
  if (!maven) throw notHad(wanted, 'Java 17 or later and Maven', 'default-jre-headless maven');
  run.say(`fetching ${wanted.name} with Maven into ${folder}`);
  mkdirSync(cache(), { recursive: true });
  const part = mkdtempSync(`${folder}.part-`);
  try {
    const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${part}`];
    await runCommand(maven, ['-q', '-B', '-f', pom, ...goal], { signal: run.signal });
    // At once, so that nobody sees half of it.
    renameSync(part, folder);
  } catch (error) {
    // Another run may have been faster: a folder with something in it cannot be replaced.
    if (!existsSync(folder)) throw error;
  } finally {
    rmSync(part, { recursive: true, force: true });
  }
}

function cache(): string {
  return join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'switchyard-test-servers');
}
