import { keeper } from './keeper/connection.ts';
import { ownedServer } from './own-server.ts';
import type { OwnServer } from './own-server.ts';

/** Redis with Sentinel that nobody else uses. It ends with the process that asked for it, if it is not removed before. */
export interface TestRedisSentinel extends AsyncDisposable {
  /** Under which the sentinels know the master. */
  readonly name: string;
  /** The master at the beginning; killed, it is replaced by the replica after about a second. */
  readonly master: OwnServer;
  readonly replica: OwnServer;
  readonly sentinels: readonly OwnServer[];
  /** Ends all of them and deletes their data. */
  remove(): Promise<void>;
}

/** @throws If there is no Redis to be had; the message says what to install. */
export async function testRedisSentinel(): Promise<TestRedisSentinel> {
  const call = await keeper();
  const [master, replica, ...sentinels] = (await call('launchRedisSentinel')).map(ownedServer);
  if (!master || !replica) throw new Error('The master or the replica is missing');
  const remove = async () => {
    await Promise.all([master, replica, ...sentinels].map(server => server.remove()));
  };
  return { name: 'mymaster', master, replica, sentinels, remove, [Symbol.asyncDispose]: remove };
}
