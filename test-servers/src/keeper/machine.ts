import type { Address } from '../address.ts';

/** What runs one server, at one address for as long as it exists. */
export interface Machine {
  readonly way: 'docker' | 'process';
  readonly address: Address;
  /** For the first time, or again with the data it had. Does not wait until the server answers. */
  start(): Promise<void>;
  /** Asks the server to end, and waits until it has. */
  stop(): Promise<void>;
  /** SIGKILL. */
  kill(): Promise<void>;
  /** Ends it at once and forgets its data. */
  remove(): Promise<void>;
  isRunning(): Promise<boolean>;
  /** The end of what the server printed. */
  log(): Promise<string>;
}
