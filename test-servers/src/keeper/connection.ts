import type { Caller } from './channel.ts';
import { openChannel } from './channel.ts';
import type { KeeperCalls } from './keeper.ts';
import { startKeeper } from './start-keeper.ts';

/** Tells the processes of a run, and their children, which keeper is theirs. */
export const KEEPER_VARIABLE = 'SWITCHYARD_TEST_SERVERS';

let connection: Promise<Caller<KeeperCalls>> | undefined;

/** The keeper of this run. Outside of a run, this process gets one of its own. */
export function keeper(): Promise<Caller<KeeperCalls>> {
  connection ??= connect();
  return connection;
}

async function connect(): Promise<Caller<KeeperCalls>> {
  const socket = (process.env[KEEPER_VARIABLE] ??= (await startKeeper()).socket);
  return openChannel<KeeperCalls>(socket);
}
