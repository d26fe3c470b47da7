import { kinds } from '../kinds/index.ts';
import type { Kind, ServerName } from '../kinds/kind.ts';
import type { ServerOptions } from '../server-options.ts';
import { hostOf, haveImage } from './docker-engine.ts';
import { firstWay } from './first-way.ts';
import type { Machine } from './machine.ts';
import { processMachine } from './process-machine.ts';
import type { Run } from './run.ts';
import { upOnFreePort } from './up.ts';

/** Brings up a new server. */
export function launch<Name extends ServerName>(run: Run, name: Name, options: ServerOptions[Name]): Promise<Machine> {
  const kind: Kind<Name> = kinds[name];
  return firstWay(run, name, {
    async docker(engine) {
      const { containerMachine } = await import('./container-machine.ts');
      return upOnFreePort(
        async port => {
          const spec = kind.container({ host: hostOf(engine), port }, options);
          await haveImage(run, engine, spec.image);
          return containerMachine(run, engine, port, spec);
        },
        address => kind.answers(address),
      );
    },
    process: () => launchProcess(run, kind, options),
  });
}

export function launchProcess<Name extends ServerName>(
  run: Run,
  kind: Kind<Name>,
  options: ServerOptions[Name],
): Promise<Machine> {
  return upOnFreePort(
    async port => {
      const place = { run, port, folder: run.newFolder(kind.name) };
      return processMachine(place, await kind.prepare(place, options));
    },
    address => kind.answers(address),
  );
}
