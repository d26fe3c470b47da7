import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Address, OwnServer, ServerName } from '@switchyard/test-servers';
import { onLine } from '../src/on-line.ts';

interface Got {
  readonly keeper: string;
  readonly shared: readonly Address[];
  readonly own: Address;
  readonly way: OwnServer['way'];
}

/** Starts a program that asks for servers: in a run of its own, or in this one. */
export async function startProgram(run: 'own' | 'this', names: readonly ServerName[]) {
  const program = fileURLToPath(new URL('./programs/ask-for.ts', import.meta.url));
  const { SWITCHYARD_TEST_SERVERS: keeper, ...environment } = process.env;
  const child = spawn(process.execPath, [program, ...names], {
    env: run === 'this' ? { ...environment, SWITCHYARD_TEST_SERVERS: keeper } : environment,
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  const line = await new Promise<string>((resolve, reject) => {
    onLine(child.stdout, resolve);
    ended.then(([code]) => reject(new Error(`The program ended with ${code}`)), reject);
  });
  const got = JSON.parse(line) as Got;
  return {
    ...got,
    pid: child.pid,
    /** Where all data of its run is. */
    folder: dirname(got.keeper),
    /** Lets it come to its end. */
    async finish() {
      child.stdin.end();
      await ended;
    },
    async kill(signal: NodeJS.Signals) {
      child.kill(signal);
      await ended;
    },
  };
}

export async function isListening({ host, port }: Address): Promise<boolean> {
  const socket = connect(port, host);
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
