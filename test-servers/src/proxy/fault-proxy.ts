import { once } from 'node:events';
import { createServer } from 'node:net';
import type { Address } from '../address.ts';
import { listenOnFreePort } from '../free-port.ts';
import { Faults } from './faults.ts';
import type { Direction, Dropped } from './faults.ts';
import { Link } from './link.ts';
import { anyWire } from './wire.ts';
import type { Wire } from './wire.ts';

/** A TCP proxy that can do to connections what networks do to them. It lives in the process that made it. */
export interface FaultProxy extends AsyncDisposable {
  /** Where clients connect instead of to the server. */
  readonly address: Address;
  /** Resets all connections. New ones are welcome. */
  cut(): void;
  /** Resets all connections and refuses new ones. */
  refuse(): Promise<void>;
  /**
   * Connections stay open and nothing arrives any more: no bytes, no end, no reset. New connections are accepted and
   * hear nothing. What was sent meanwhile arrives after `heal`, as it would on a real network; `cut` before it if not.
   */
  blackHole(direction?: 'both' | Direction): void;
  /** From now on everything arrives so much later, in each direction. */
  delay(ms: number): void;
  /**
   * Waits for the next request that contains `request` (any, by default) in one piece, passes it on, and when the server
   * answers, throws the answer away and resets the client's connection. Resolves once that has happened.
   *
   * In front of Kafka `request` is the name of a request, and after a space what it contains, if that matters:
   * `OffsetCommit`, `Produce some-topic`. There the reply to that very request is lost, whatever else is under way.
   */
  dropNextReply(request?: string): Promise<void>;
  /** The same for the request itself: the server does not get it, and both ends of the connection are reset. */
  dropNextRequest(request?: string): Promise<void>;
  /** The same for the reply, and nothing else: the connection stays, and the client waits for an answer that does not come. */
  swallowNextReply(request?: string): Promise<void>;
  /** Ends all faults. */
  heal(): Promise<void>;
  /** Ends the proxy and all its connections. */
  close(): Promise<void>;
}

export async function createFaultProxy(target: Address, wire: Wire = anyWire): Promise<FaultProxy> {
  const faults = new Faults();
  const links = new Set<Link>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, client => {
    const link = new Link(client, target, faults, wire);
    links.add(link);
    void link.closed.then(() => links.delete(link));
  });
  const address = { host: '127.0.0.1', port: await listenOnFreePort(server) };

  function cut() {
    for (const link of links) link.cut();
  }

  async function refuse() {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    cut();
    await closed;
  }

  async function dropNext(what: Dropped, request = ''): Promise<void> {
    const isMeant = wire.means(request);
    await new Promise<void>(dropped => faults.drop(what, { isMeant, dropped }));
  }

  async function close() {
    faults.clear();
    await refuse();
  }

  return {
    address,
    cut,
    refuse,
    blackHole(direction = 'both') {
      if (direction !== 'toClient') faults.block('toServer');
      if (direction !== 'toServer') faults.block('toClient');
    },
    delay(ms) {
      faults.delayMs = ms;
    },
    dropNextReply: request => dropNext('reply', request),
    dropNextRequest: request => dropNext('request', request),
    swallowNextReply: request => dropNext('silence', request),
    async heal() {
      faults.clear();
      if (server.listening) return;
      server.listen(address.port, address.host);
      await once(server, 'listening');
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
