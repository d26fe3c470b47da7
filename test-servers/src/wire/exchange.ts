import { connect } from 'node:net';
import type { Address } from '../address.ts';

const PATIENCE_MS = 2000;

/**
 * Sends a request and reads until `reply` makes something of the bytes so far. Rejects if the server closes first, is
 * not there, or takes longer than two seconds. Enough of a client to ask a server whether it is up, so that the one
 * process that starts servers need not load the client libraries of all of them.
 */
export function exchange<Reply>(
  { host, port }: Address,
  request: string | Buffer,
  reply: (received: Buffer) => Reply | undefined,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    let received = Buffer.alloc(0);
    const socket = connect({ host, port }, () => socket.write(request));
    socket.setTimeout(PATIENCE_MS, () => socket.destroy(new Error(`${host}:${port} does not answer`)));
    socket.on('error', reject);
    socket.on('close', () => reject(new Error(`${host}:${port} closed the connection without an answer`)));
    socket.on('data', data => {
      received = Buffer.concat([received, data]);
      try {
        const answer = reply(received);
        if (answer === undefined) return;
        resolve(answer);
        socket.destroy();
      } catch (error) {
        socket.destroy(error instanceof Error ? error : new Error(String(error)));
      }
    });
  });
}
