import { Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Address } from '../address.ts';
import type { Direction, Faults } from './faults.ts';
import type { Wire } from './wire.ts';

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
  readonly #wire: Wire;
  /** Set while the reply to be lost has been asked for and has not come. */
  #loss: { readonly request: Buffer; readonly dropped: () => void; readonly isSilent: boolean } | undefined;

  /** `client` must be allowed to be half open. */
  constructor(client: Socket, target: Address, faults: Faults, wire: Wire) {
    this.#client = client;
    this.#faults = faults;
    this.#wire = wire;
    this.closed = Promise.all([either(client, 'close'), either(this.#server, 'close')]);
    this.#later('toServer', () => this.#connect(target));
    this.#relay(client, this.#server, 'toServer', message => this.#request(message));
    this.#relay(this.#server, client, 'toClient', message => this.#reply(message));
  }

  cut(): void {
    this.#client.resetAndDestroy();
    this.#server.resetAndDestroy();
  }

  #relay(from: Socket, to: Socket, direction: Direction, pass: (message: Buffer) => void | Promise<void>): void {
    const cut = this.#wire.cutter();
    let held = 0;
    from.on('data', data => {
      held += data.length;
      if (held > HELD_BYTES) from.pause();
      this.#later(direction, async () => {
        for (const message of cut(data)) await pass(message);
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

  async #connect({ host, port }: Address): Promise<void> {
    if (this.#client.destroyed) this.#server.destroy();
    if (this.#server.destroyed) return;
    this.#server.setNoDelay(true).connect(port, host);
    await either(this.#server, 'connect', 'close');
  }

  async #request(request: Buffer): Promise<void> {
    const dropped = this.#faults.takeDrop('request', request);
    if (dropped) {
      this.cut();
      dropped();
      return;
    }
    if (!this.#loss) {
      const replyDropped = this.#faults.takeDrop('reply', request);
      const swallowed = this.#faults.takeDrop('silence', request);
      const lost = replyDropped ?? swallowed;
      if (lost) this.#loss = { request, dropped: lost, isSilent: !replyDropped };
    }
    await write(this.#server, request);
  }

  async #reply(reply: Buffer): Promise<void> {
    if (!this.#loss || !this.#wire.isReply(reply, this.#loss.request)) {
      await write(this.#client, this.#wire.translate(reply));
      return;
    }
    if (this.#loss.isSilent) {
      this.#loss.dropped();
      this.#loss = undefined;
      return;
    }
    // What the server sent is gone and so is the connection. It still gets all of the request, and may answer nobody.
    this.#client.resetAndDestroy();
    this.#server.end();
    this.#loss.dropped();
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
