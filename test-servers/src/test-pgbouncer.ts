import type { Address } from './address.ts';
import { keeper } from './keeper/connection.ts';
import { ownedServer } from './own-server.ts';
import type { OwnServer } from './own-server.ts';

/**
 * PgBouncer in front of a server of the tests, in transaction mode, with four sessions for all its clients.
 *
 * @throws If there is none to be had; the message says what to install.
 */
export async function testPgBouncer(server: Address): Promise<OwnServer> {
  const call = await keeper();
  return ownedServer(await call('launchPgBouncer', server));
}
