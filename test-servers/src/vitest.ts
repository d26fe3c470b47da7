import { KEEPER_VARIABLE } from './keeper/connection.ts';
import { startKeeper } from './keeper/start-keeper.ts';

/** vitest's `globalSetup`: one keeper for all workers of a run. It starts no server until a test asks for one. */
export default async function setup(): Promise<(() => Promise<void>) | undefined> {
  // A run inside a run shares the servers.
  if (process.env[KEEPER_VARIABLE]) return undefined;
  const keeper = await startKeeper();
  process.env[KEEPER_VARIABLE] = keeper.socket;
  return async () => {
    delete process.env[KEEPER_VARIABLE];
    await keeper.stop();
  };
}
