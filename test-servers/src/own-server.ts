import { keeper } from './keeper/connection.ts';
import type { KeptServer } from './keeper/keeper.ts';
import { kinds } from './kinds/index.ts';
import type { ServerName } from './kinds/kind.ts';
import type { ServerOptions } from './server-options.ts';
import { describeServer } from './test-server.ts';
import type { TestServer } from './test-server.ts';

/** A server that nobody else uses. It ends with the process that asked for it, if it is not removed before. */
export interface OwnServer extends TestServer, AsyncDisposable {
  /** Ends it in good order. It keeps its address, and the data that its kind writes down. */
  stop(): Promise<void>;
  /** Resolves when it answers again. */
  start(): Promise<void>;
  /** `stop`, then `start`. */
  restart(): Promise<void>;
  /** SIGKILL. `start` brings it back. */
  kill(): Promise<void>;
  /** Ends it and deletes its data. */
  remove(): Promise<void>;
}

/**
 * Starts a server for tests that do things to it. Never one that the environment names: nobody can kill that.
 * @throws If there is none to be had; the message says what to install.
 */
export async function ownServer<Name extends ServerName>(
  name: Name,
  options: ServerOptions[Name] = {},
): Promise<OwnServer> {
  const call = await keeper();
  return ownedServer(await call('launch', name, options));
}

export function ownedServer({ id, name, way, address }: KeptServer): OwnServer {
  const tell = async (what: 'start' | 'stop' | 'kill' | 'remove') => {
    const call = await keeper();
    await call(what, id);
  };
  const remove = () => tell('remove');
  return {
    ...describeServer(name, way, address, kinds[name].url(address)),
    stop: () => tell('stop'),
    start: () => tell('start'),
    async restart() {
      await tell('stop');
      await tell('start');
    },
    kill: () => tell('kill'),
    remove,
    [Symbol.asyncDispose]: remove,
  };
}
