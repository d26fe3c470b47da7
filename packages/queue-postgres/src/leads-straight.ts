import type { PostgresConfig } from './config.ts';
import { createListener } from './database.ts';
import { inTime } from './in-time.ts';

/** Between two connections to the same server a message takes no time to speak of. */
const MESSAGE_TIMEOUT_MS = 1000;
const CONNECT_TIMEOUT_MS = 5000;

/**
 * Whether a connection is one session of PostgreSQL from beginning to end. Behind a pool that shares sessions by the
 * transaction, as PgBouncer may, nothing that is said to who listens arrives, and settings turn up at somebody else's.
 */
export async function leadsStraight(config: PostgresConfig, applicationName: string): Promise<boolean> {
  const listener = createListener(config, applicationName);
  const speaker = createListener(config, applicationName);
  for (const client of [listener, speaker]) client.on('error', () => {});
  const channel = `switchyard_${process.pid}_${Math.random().toString(36).slice(2)}`;
  try {
    await inTime('connect', CONNECT_TIMEOUT_MS, Promise.all([listener.connect(), speaker.connect()]));
    await inTime('listen', CONNECT_TIMEOUT_MS, listener.query(`LISTEN ${channel}`));
    const arrives = new Promise<boolean>(resolve => {
      const timer = setTimeout(resolve, MESSAGE_TIMEOUT_MS, false);
      listener.on('notification', () => {
        clearTimeout(timer);
        resolve(true);
      });
    });
    await inTime('notify', CONNECT_TIMEOUT_MS, speaker.query(`NOTIFY ${channel}`));
    const isStraight = await arrives;
    if (!isStraight) await inTime('unlisten', CONNECT_TIMEOUT_MS, listener.query(`UNLISTEN ${channel}`));
    return isStraight;
  } finally {
    for (const client of [listener, speaker]) client.end().catch(() => {});
  }
}
