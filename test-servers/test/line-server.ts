import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { Socket } from 'node:net';
import type { Address } from '@switchyard/test-servers';
import { onLine } from '../src/on-line.ts';

/** A server that answers each line with `re: <line>`, and remembers what it heard. */
export async function startLineServer() {
  const heard: string[] = [];
  const sockets = new Set<Socket>();
  const server = createServer(socket => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    onLine(socket, line => {
      heard.push(line);
      socket.write(`re: ${line}\n`);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('It listens on a port');
  return {
    address: { host: '127.0.0.1', port: address.port },
    heard,
    connections: () => sockets.size,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

/** A client of it. */
export async function openLine({ host, port }: Address) {
  const socket = connect(port, host);
  const answers: string[] = [];
  const closed = new Promise<string>(resolve => {
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on('close', () => resolve('closed'));
  });
  onLine(socket, line => answers.push(line));
  await Promise.race([once(socket, 'connect').catch(() => {}), closed]);
  return {
    say: (line: string) => socket.write(`${line}\n`),
    end: () => socket.end(),
    reset: () => socket.resetAndDestroy(),
    answers,
    /** How it ended: `closed`, or the code of an error. */
    closed,
    [Symbol.dispose]: () => socket.destroy(),
  };
}
