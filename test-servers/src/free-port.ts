import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Server } from 'node:net';

/**
 * Below what any common system gives to outgoing connections (Linux: from 32768). Inside that range a client that keeps
 * reconnecting to a stopped server would sooner or later be given the server's port as its own, connect to itself,
 * and keep the server from coming back.
 */
const FIRST = 20_000;
const LAST = 32_000;

/** A loopback port that nobody listens on at the moment. Somebody else may be faster: whoever starts a server retries. */
export async function freePort(): Promise<number> {
  const server = createServer();
  const port = await listenOnFreePort(server);
  server.close();
  await once(server, 'close');
  return port;
}

export async function listenOnFreePort(server: Server): Promise<number> {
  for (let attempt = 0; attempt < 100; attempt++) {
    const port = randomInt(FIRST, LAST);
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return port;
    } catch {
      // Somebody has it.
    }
  }
  throw new Error(`Found no free port between ${FIRST} and ${LAST}`);
}
