import { randomUUID } from 'node:crypto';
import { QueueConfigError } from '@switchyard/queue-api';
import type { QueueConfig } from '../config/queue-config.ts';
import type { Clock } from '../engine/clock.ts';
import type { Reporter } from '../engine/reporter.ts';
import { withinTime } from '../engine/within-time.ts';
import { FIRST_PARTY_PACKAGES } from './first-party.ts';
import { type AnyAdapter, checkContract, loadAdapter } from './load-adapter.ts';
import { StoreConnection } from './store-connection.ts';

/**
 * The stores this process can use, by name: adapters that were passed in, those that `adapters` names, and the first
 * party's, each imported only when the configuration or a queue asks for it.
 */
export class StoreRegistry {
  readonly #config: QueueConfig;
  readonly #reporter: Reporter;
  readonly #clock: Clock;
  readonly #instance = randomUUID();
  readonly #adapters = new Map<string, AnyAdapter>();
  readonly #connections = new Map<string, Promise<StoreConnection>>();
  #ready: Promise<void> | undefined;

  constructor(config: QueueConfig, adapters: readonly AnyAdapter[], reporter: Reporter, clock: Clock) {
    this.#config = config;
    this.#reporter = reporter;
    this.#clock = clock;
    for (const adapter of adapters) this.#register(adapter, `The adapter of store ${adapter.store}`);
    if (config.adapters.length === 0) this.#checkSections();
  }

  /**
   * Loads the adapters that the configuration names and checks every store section, so that a mistake ends the start
   * and not the first job. Throws QueueConfigError.
   */
  ready(): Promise<void> {
    this.#ready ??= this.#prepare().catch((error: unknown) => {
      this.#ready = undefined;
      throw error;
    });
    return this.#ready;
  }

  /** The connection of a store. Throws QueueConfigError when it is unknown, not installed or misconfigured. */
  async get(store: string): Promise<StoreConnection> {
    await this.ready();
    return this.#connection(store);
  }

  /** Closes every connection; never rejects, takes no longer than `timeoutMs` and a little. */
  async close(timeoutMs: number): Promise<void> {
    const closing = [...this.#connections.values()].map(async connection => (await connection).close(timeoutMs));
    await withinTime(this.#clock, timeoutMs, Promise.allSettled(closing));
  }

  async #prepare(): Promise<void> {
    for (const name of this.#config.adapters) {
      this.#register(await loadAdapter(name, this.#key('adapters')), name);
    }
    this.#checkSections();
    await this.#connection(this.#config.defaultStore);
    for (const store of Object.keys(this.#config.sections)) await this.#checkUnusedSection(store);
  }

  /** A section nobody uses yet must be right as well, but its package need not be installed. */
  async #checkUnusedSection(store: string): Promise<void> {
    if (store === this.#config.defaultStore) return;
    try {
      await this.#connection(store);
    } catch (error) {
      if (!(error as Error).message.includes('is not installed')) throw error;
      this.#reporter.log('info', (error as Error).message);
    }
  }

  #connection(store: string): Promise<StoreConnection> {
    let connection = this.#connections.get(store);
    if (connection === undefined) {
      connection = this.#connect(store);
      this.#connections.set(store, connection);
      connection.catch(() => this.#connections.delete(store));
    }
    return connection;
  }

  async #connect(store: string): Promise<StoreConnection> {
    const adapter = this.#adapters.get(store) ?? (await this.#loadFirstParty(store));
    return StoreConnection.create(adapter, this.#config, this.#instance, this.#reporter, this.#clock);
  }

  async #loadFirstParty(store: string): Promise<AnyAdapter> {
    const packageName = Object.hasOwn(FIRST_PARTY_PACKAGES, store) ? FIRST_PARTY_PACKAGES[store] : undefined;
    if (packageName !== undefined) return loadAdapter(packageName, `Store '${store}'`);
    const known = [...new Set([...Object.keys(FIRST_PARTY_PACKAGES), ...this.#adapters.keys()])].join(', ');
    const message = `There is no store '${store}': ${this.#key('defaultStore')} or getQueue({ store }) must name one of ${known}, or ${this.#key('adapters')} the package that brings it`;
    throw new QueueConfigError(message);
  }

  #register(adapter: AnyAdapter, from: string): void {
    checkContract(adapter, from);
    const other = this.#adapters.get(adapter.store);
    if (other !== undefined && other !== adapter) {
      throw new QueueConfigError(`Two adapters call their store '${adapter.store}': remove one of them`);
    }
    this.#adapters.set(adapter.store, adapter);
  }

  #checkSections(): void {
    for (const key of Object.keys(this.#config.sections)) {
      if (this.#adapters.has(key) || Object.hasOwn(FIRST_PARTY_PACKAGES, key)) continue;
      throw new QueueConfigError(`${this.#key(key)}: neither an option nor a store that is known`);
    }
  }

  #key(key: string): string {
    return this.#config.prefix === '' ? key : `${this.#config.prefix}.${key}`;
  }
}
