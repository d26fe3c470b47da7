import { randomUUID } from 'node:crypto';
import { GenericContainer } from 'testcontainers';
import type { ContainerRuntimeClient, WaitStrategy } from 'testcontainers';
import type { ContainerSpec } from '../kinds/kind.ts';
import { hostOf } from './docker-engine.ts';
import type { Machine } from './machine.ts';
import type { Run } from './run.ts';

const STOP_S = 15;
const LABEL = 'switchyard.test-servers';

export interface ContainerMachine extends Machine {
  /** The container's name in the engine. */
  readonly container: string;
}

/**
 * A container. Stopped, it keeps its files. `port` is the port of the engine's host where its server is found: a fixed
 * one, because one chosen by the engine would be another after each start.
 */
export function containerMachine(
  run: Run,
  engine: ContainerRuntimeClient,
  port: number,
  spec: ContainerSpec,
): ContainerMachine {
  const name = `switchyard-test-${randomUUID()}`;
  const container = engine.container.getById(name);
  let exists = false;

  async function isRunning() {
    return exists && (await container.inspect()).State.Running;
  }

  const remove = run.own(async () => {
    exists = false;
    // It may not have come to be, or have come to be without having started: asked for by what it was labelled with.
    const filters = { label: [`${LABEL}=${name}`] };
    const made = await engine.container.dockerode.listContainers({ all: true, filters });
    await Promise.all(made.map(() => container.remove({ force: true, v: true })));
  });

  return {
    way: 'docker',
    container: name,
    address: { host: hostOf(engine), port },
    async start() {
      run.signal.throwIfAborted();
      if (await isRunning()) return;
      if (exists) await container.start();
      else await describe(name, spec).start();
      exists = true;
    },
    async stop() {
      if (await isRunning()) await container.stop({ t: STOP_S });
    },
    async kill() {
      if (!(await isRunning())) return;
      await container.kill();
      await container.wait();
    },
    remove,
    isRunning,
    log: async () => (exists ? readLog(await container.logs({ stdout: true, stderr: true, tail: 50 })) : ''),
  };
}

function describe(name: string, spec: ContainerSpec): GenericContainer {
  const files = Object.entries(spec.files ?? {}).map(([target, content]) => ({ target, content }));
  const container = new GenericContainer(spec.image)
    .withName(name)
    .withLabels({ [LABEL]: name })
    .withExposedPorts(...(spec.publish ?? []))
    .withEnvironment({ ...spec.environment })
    .withCopyContentToContainer(files)
    .withWaitStrategy(noWait);
  if (spec.command) container.withCommand([...spec.command]);
  if (spec.network) container.withNetworkMode(spec.network);
  return container;
}

/** Engines send what was printed in frames: four bytes that say by which output, four for the length, then the text. */
function readLog(frames: Buffer): string {
  let log = '';
  for (let at = 0; at + 8 <= frames.length;) {
    const end = at + 8 + frames.readUInt32BE(at + 4);
    log += frames.toString('utf8', at + 8, end);
    at = end;
  }
  return log;
}

/** Whether the server answers is asked in its own protocol, not by looking for an open port. */
const noWait: WaitStrategy = {
  waitUntilReady: () => Promise.resolve(),
  withStartupTimeout: () => noWait,
  isStartupTimeoutSet: () => true,
  getStartupTimeout: () => 0,
};
