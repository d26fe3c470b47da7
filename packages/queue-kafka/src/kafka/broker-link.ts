import { type API, Connection, type ConnectionOptions } from '@platformatic/kafka';
import { isIP } from 'node:net';
import { inTime } from '../in-time.ts';
import { answerError, NoAnswerError, NotSentError } from './errors.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export interface LinkSettings {
  readonly clientId: string;
  /** TLS and SASL. */
  readonly security: Pick<ConnectionOptions, 'tls' | 'sasl'>;
  readonly connectTimeoutMs: number;
}

/**
 * A connection to one broker, made when it is first used and again after it broke.
 *
 * A broker works on the requests of a connection one after the other, so what may take long (a fetch that waits, a join) has
 * a link of its own. A request that stays without an answer for `requestTimeoutMs` breaks the connection: behind a network
 * that swallows everything that is the only way to notice.
 */
export class BrokerLink {
  readonly address: BrokerAddress;
  readonly #settings: LinkSettings;
  readonly #requestTimeoutMs: number;
  #connection: Connection | undefined;
  #connecting: Promise<Connection> | undefined;
  #isClosed = false;

  constructor(address: BrokerAddress, settings: LinkSettings, requestTimeoutMs: number) {
    this.address = address;
    this.#settings = settings;
    this.#requestTimeoutMs = requestTimeoutMs;
  }

  /**
   * Sends a request and waits for its answer, `timeoutMs` at most. Rejects with a `NotSentError`, a `NoAnswerError`, or the
   * `BrokerError` in the answer. A request that was given up may still be carried out.
   */
  async call<Request extends unknown[], Answer>(
    what: string,
    api: API<Request, Answer>,
    request: Request,
    timeoutMs: number,
  ): Promise<Answer> {
    const start = performance.now();
    const connection = this.#connection ?? (await this.#connect(what, timeoutMs));
    const left = timeoutMs - (performance.now() - start);
    const answer = new Promise<Answer>((resolve, reject) => {
      const send = api as unknown as (...args: unknown[]) => void;
      send(connection, ...request, (error: Error | null, payload: Answer) =>
        error ? reject(answerError(what, error)) : resolve(payload),
      );
    });
    return inTime(answer, Math.max(1, left), () => new NoAnswerError(what, `no answer within ${timeoutMs} ms`));
  }

  /** Resolves once there is a connection. Rejects with a `NotSentError`. */
  async ready(what: string, timeoutMs: number): Promise<void> {
    if (this.#connection === undefined) await this.#connect(what, timeoutMs);
  }

  close(): void {
    this.#isClosed = true;
    const connection = this.#connection;
    this.#connection = undefined;
    if (connection !== undefined) end(connection);
  }

  #connect(what: string, timeoutMs: number): Promise<Connection> {
    this.#connecting ??= this.#open().finally(() => (this.#connecting = undefined));
    const { host, port } = this.address;
    const inVain = (cause: unknown) => {
      throw new NotSentError(what, cause);
    };
    const late = () => new Error(`no connection to ${host}:${port} within ${Math.round(timeoutMs)} ms`);
    return inTime(this.#connecting, timeoutMs, late).catch(inVain);
  }

  async #open(): Promise<Connection> {
    if (this.#isClosed) throw new Error('the connection is closed');
    const { clientId, security, connectTimeoutMs } = this.#settings;
    const { host } = this.address;
    const connection = new Connection(clientId, {
      ...security,
      // Servers that stand behind a router are told apart by it.
      ...(security.tls !== undefined &&
        security.tls.servername === undefined &&
        isIP(host) === 0 && { tlsServerName: true }),
      connectTimeout: connectTimeoutMs,
      requestTimeout: this.#requestTimeoutMs,
      // Whoever calls decides how much is under way.
      maxInflights: 1000,
    });
    // An 'error' event without a listener ends the process. What it says reaches the callers as well.
    connection.on('error', () => {});
    const forget = () => {
      if (this.#connection === connection) this.#connection = undefined;
    };
    connection.once('close', () => {
      forget();
      // The library's timer that authenticates again would keep the process alive.
      connection.close(() => {});
    });
    connection.once('closing', forget);
    try {
      await connection.connect(this.address.host, this.address.port);
    } catch (error) {
      end(connection);
      throw error;
    }
    connection.socket.on('error', forget);
    if (this.#isClosed) {
      end(connection);
      throw new Error('the connection is closed');
    }
    this.#connection = connection;
    return connection;
  }
}

/** `close` alone would wait for a peer that does not read. */
function end(connection: Connection): void {
  const socket = connection.socket as typeof connection.socket | undefined;
  connection.close(() => {});
  socket?.on('error', () => {});
  socket?.destroy();
}
