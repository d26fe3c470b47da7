import type { ContainerRuntimeClient } from 'testcontainers';
import { dockerEngine } from './docker-engine.ts';
import type { Run } from './run.ts';

interface Ways<Result> {
  docker(engine: ContainerRuntimeClient): Promise<Result>;
  process(): Promise<Result>;
}

/** Docker where an engine answers and all goes well there, else processes. */
export async function firstWay<Result>(run: Run, name: string, ways: Ways<Result>): Promise<Result> {
  const engine = await dockerEngine();
  if (!engine) return ways.process();
  try {
    return await ways.docker(engine);
  } catch (error) {
    run.signal.throwIfAborted();
    run.say(`${name} did not come up in Docker, trying without: ${String(error)}`);
    return ways.process();
  }
}
