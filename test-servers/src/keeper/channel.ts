import { connect } from 'node:net';
import type { Socket } from 'node:net';
import { onLine } from '../on-line.ts';

// Calls from one process to another: a line of JSON for each call and for each answer.

type Methods<Calls> = Record<keyof Calls, (...params: never[]) => Promise<unknown>>;

/** Calls one of `Calls` at the other end. */
export type Caller<Calls extends Methods<Calls>> = <Name extends keyof Calls & string>(
  method: Name,
  ...params: Parameters<Calls[Name]>
) => ReturnType<Calls[Name]>;

interface Call {
  readonly id: number;
  readonly method: string;
  readonly params: readonly unknown[];
}

interface Answer {
  readonly id: number;
  readonly result?: unknown;
  readonly error?: string;
}

export function serveCalls<Calls extends Methods<Calls>>(socket: Socket, calls: Calls): void {
  const methods = new Map<string, (...params: unknown[]) => Promise<unknown>>(Object.entries(calls));
  // A caller that dies says so by the end of the connection.
  socket.on('error', () => {});
  onLine(socket, line => void answer(JSON.parse(line) as Call));

  async function answer({ id, method, params }: Call): Promise<void> {
    try {
      send(socket, { id, result: await methods.get(method)?.(...params) });
    } catch (error) {
      send(socket, { id, error: error instanceof Error ? error.message : String(error) });
    }
  }
}

/** Keeps the process alive only while a call is under way. */
export async function openChannel<Calls extends Methods<Calls>>(path: string): Promise<Caller<Calls>> {
  const socket = connect(path);
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let calls = 0;
  const gone = () => new Error('The process that keeps the test servers is gone');

  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.on('error', error => reject(new Error(gone().message, { cause: error })));
  });
  socket.unref();
  socket.on('close', () => {
    for (const { reject } of waiting.values()) reject(gone());
  });
  onLine(socket, line => {
    const { id, result, error } = JSON.parse(line) as Answer;
    const answered = waiting.get(id);
    waiting.delete(id);
    if (waiting.size === 0) socket.unref();
    if (error === undefined) answered?.resolve(result);
    else answered?.reject(new Error(error));
  });

  return <Name extends keyof Calls & string>(method: Name, ...params: Parameters<Calls[Name]>) => {
    const id = ++calls;
    const answered = Promise.withResolvers<unknown>();
    if (socket.destroyed) answered.reject(gone());
    waiting.set(id, answered);
    socket.ref();
    send(socket, { id, method, params });
    return answered.promise as ReturnType<Calls[Name]>;
  };
}

function send(socket: Socket, message: Call | Answer): void {
  if (socket.writable) socket.write(`${JSON.stringify(message)}\n`);
}
