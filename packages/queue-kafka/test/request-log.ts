import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { protocolAPIsById } from '@platformatic/kafka';

interface Connection {
  readonly socket: { readonly bytesRead: number };
}

interface Request {
  readonly apiKey: number;
  readonly connection: Connection;
}

/** What this process sends to Kafka, and over which connections. It is the client's library that says so. */
export class RequestLog {
  readonly #sent: { readonly name: string; readonly connection: Connection; readonly at: number }[] = [];
  readonly #connections = new Set<object>();
  readonly #onRequest = (message: unknown) => {
    const { apiKey, connection } = message as Request;
    const name = protocolAPIsById[apiKey] ?? String(apiKey);
    this.#sent.push({ name, connection, at: performance.now() });
    this.#watches.get(name)?.();
    this.#watches.delete(name);
  };
  readonly #watches = new Map<string, () => void>();
  readonly #onConnect = (message: unknown) => void this.#connections.add((message as Request).connection);

  constructor() {
    subscribe(REQUESTS, this.#onRequest);
    subscribe(CONNECTS, this.#onConnect);
  }

  /** How often each request was sent since then. */
  since(time: number): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { name, at } of this.#sent) if (at >= time) counts[name] = (counts[name] ?? 0) + 1;
    return counts;
  }

  /** Resolves with what `act` does in the very moment in which the next of these requests is sent. */
  onNext<Result>(name: string, act: () => Promise<Result>): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#watches.set(name, () => void act().then(resolve, reject));
    });
  }

  /** Over how many connections each request was sent. */
  get connections(): Record<string, number> {
    const names = [...new Set(this.#sent.map(({ name }) => name))];
    return Object.fromEntries(
      names.map(asked => [
        asked,
        new Set(this.#sent.filter(({ name }) => name === asked).map(({ connection }) => connection)).size,
      ]),
    );
  }

  /** How many bytes came in over the connections that these requests were sent over. */
  bytesReadFor(asked: string): number {
    const connections = new Set(this.#sent.filter(({ name }) => name === asked).map(({ connection }) => connection));
    return [...connections].reduce((sum, { socket }) => sum + socket.bytesRead, 0);
  }

  get allConnections(): number {
    return this.#connections.size;
  }

  [Symbol.dispose](): void {
    unsubscribe(REQUESTS, this.#onRequest);
    unsubscribe(CONNECTS, this.#onConnect);
  }
}

const REQUESTS = 'tracing:plt:kafka:connections:api:start';
const CONNECTS = 'tracing:plt:kafka:connections:connects:start';
