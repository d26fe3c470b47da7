import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../address.ts';
import { freePort } from '../free-port.ts';
import type { Machine } from './machine.ts';

const ANSWER_MS = 60_000;
const LOOK_AGAIN_MS = 25;
const PORT_ATTEMPTS = 3;
const PORT_TAKEN = /address already in use|port is already allocated|BindException/i;

export type Answers = (address: Address) => Promise<unknown>;

/** Starts what `create` makes, on another port if somebody took the first one meanwhile. */
export function upOnFreePort(create: (port: number) => Promise<Machine>, answers: Answers): Promise<Machine> {
  return retriedOnTakenPort(async () => {
    const machine = await create(await freePort());
    try {
      await up(machine, answers);
      return machine;
    } catch (error) {
      await machine.remove();
      throw error;
    }
  });
}

/** Does it again, with other ports, if somebody took one meanwhile. */
export async function retriedOnTakenPort<Result>(launch: () => Promise<Result>): Promise<Result> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await launch();
    } catch (error) {
      if (attempt === PORT_ATTEMPTS || !PORT_TAKEN.test(String(error))) throw error;
    }
  }
}

/** Starts a machine and waits until its server answers. Rejects with the end of its log if it does not. */
export async function up(machine: Machine, answers: Answers): Promise<void> {
  const { host, port } = machine.address;
  await machine.start();
  for (const deadline = Date.now() + ANSWER_MS; ; await sleep(LOOK_AGAIN_MS)) {
    try {
      await answers(machine.address);
      return;
    } catch (cause) {
      const isRunning = await machine.isRunning();
      if (isRunning && Date.now() < deadline) continue;
      const what = isRunning
        ? `does not answer after ${ANSWER_MS / 1000} s (${String(cause)})`
        : 'ended before it answered';
      throw new Error(`The server on ${host}:${port} ${what}. Its log ends with:\n${await machine.log()}`, { cause });
    }
  }
}
