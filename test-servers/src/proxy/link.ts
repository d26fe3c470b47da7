import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../address.ts';
import type { Direction, Faults } from './faults.ts';

const HELD_BYTES = 1024 * 1024;

/**
 * One connection through the proxy. Whatever happens at one end (bytes, the end of them, a reset) reaches the other end
 * in order, and only when the faults let it: in a black hole a server does not even learn that its client is gone.
 */
export class Link {
  readonly closed: Promise<unknown>;
  readonly #client: Socket;
  readonly #server = new Socket({ allowHalfOpen: true });
  readonly #faults: Faults;
  /** For each direction, the arrival of what was sent last. */
  readonly #arrival: Record<Direction, Promise<void>> = { toServer: Promise.resolve(), toClient: Promise.resolve() };
  /** Set while the reply to be lost has been asked for and has not come. */
  #onLoss: (() => void) | undefined;

  /** `client` must be allowed to be half open. */
  constructor(client: Socket, target: Promise<Address>, faults: Faults) {
    this.#client = client;
    this.#faults = faults;
    this.closed = Promise.all([either(client, 'close'), either(this.#server, 'close')]);
    this.#later('toServer', () => this.#connect(target));
    this.#relay(client, this.#server, 'toServer', data => {
      this.#onLoss ??= faults.takeDrop(data);
      return write(this.#server, data);
    });
    this.#relay(this.#server, client, 'toClient', data =>
      this.#onLoss ? this.#loseReply(this.#onLoss) : write(client, data),
    );
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  #relay(from: Socket, to: Socket, direction: Direction, pass: (data: Buffer) => void | Promise<void>): void {
    let held = 0;
    from.on('data', data => {
      held += data.length;
      if (held > HELD_BYTES) from.pause();
      this.#later(direction, async () => {
        await pass(data);
        held -= data.length;
        if (held <= HELD_BYTES) from.resume();
      });
    });
    from.on('end', () => this.#later(direction, () => to.end()));
    from.on('error', () => this.#later(direction, () => to.resetAndDestroy()));
  }

  #later(direction: Direction, arrive: () => unknown): void {
    const due = performance.now() + this.#faults.delayMs;
    this.#arrival[direction] = this.#arrival[direction].then(async () => {
      const wait = due - performance.now();
      if (wait > 0) await sleep(wait);
      await this.#faults.passable(direction);
      await arrive();
    });
  }

  async #connect(target: Promise<Address>): Promise<void> {
    const { host, port } = await target;
    if (this.#client.destroyed) this.#server.destroy();
    if (this.#server.destroyed) return;
    this.#server.setNoDelay(true).connect(port, host);
    await either(this.#server, 'connect', 'close');
  }

  /** What the server sent is gone and so is the connection. It still gets all of the request, and may answer nobody. */
  #loseReply(onLoss: () => void): void {
    this.#client.resetAndDestroy();
    this.#server.end();
    onLoss();
  }
}

async function write(to: Socket, data: Buffer): Promise<void> {
  if (to.writable && !to.write(data)) await either(to, 'drain', 'close');
}

function either(socket: Socket, ...events: string[]): Promise<void> {
  return new Promise(resolve => {
    for (const event of events) socket.once(event, () => resolve());
  });
}
