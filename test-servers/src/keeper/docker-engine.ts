import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerRuntimeClient } from 'testcontainers';
import type { Run } from './run.ts';

const ANSWER_MS = 5000;
const PULL_MS = 120_000;

let found: Promise<ContainerRuntimeClient | undefined> | undefined;

/** The Docker engine, if one answers. Costs nothing where there is none. */
export function dockerEngine(): Promise<ContainerRuntimeClient | undefined> {
  found ??= mayExist() ? findEngine() : Promise.resolve(undefined);
  return found;
}

async function findEngine(): Promise<ContainerRuntimeClient | undefined> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  try {
    return await within(ANSWER_MS, getContainerRuntimeClient());
  } catch {
    return undefined;
  }
}

/** The places where testcontainers looks. */
function mayExist(): boolean {
  if (process.env['DOCKER_HOST']) return true;
  const runtime = process.env['XDG_RUNTIME_DIR'] ?? `/run/user/${process.getuid?.()}`;
  return [
    '/var/run/docker.sock',
    join(runtime, 'docker.sock'),
    join(homedir(), '.docker/run/docker.sock'),
    join(homedir(), '.docker/desktop/docker.sock'),
    join(homedir(), '.testcontainers.properties'),
  ].some(existsSync);
}

/** Where ports that the engine publishes are found. */
export function hostOf(engine: ContainerRuntimeClient): string {
  const { host } = engine.info.containerRuntime;
  // Node.js may take the name for the IPv6 loopback, where engines publish nothing.
  return host === 'localhost' ? '127.0.0.1' : host;
}

/** Rejects if the image is neither there nor comes in time. */
export async function haveImage(run: Run, { image }: ContainerRuntimeClient, name: string): Promise<void> {
  const { ImageName } = await import('testcontainers');
  const imageName = ImageName.fromString(name);
  if (await image.exists(imageName)) return;
  run.say(`pulling the image ${name}`);
  await within(PULL_MS, image.pull(imageName));
  if (!(await image.exists(imageName))) throw new Error(`The image ${name} could not be pulled`);
}

async function within<Result>(ms: number, work: Promise<Result>): Promise<Result> {
  const done = new AbortController();
  const late = sleep(ms, undefined, { signal: done.signal }).then(() => {
    throw new Error(`No answer from Docker within ${ms / 1000} s`);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    done.abort();
  }
}
