import type { Address } from '../address.ts';
import type { Run } from '../keeper/run.ts';
import type { ServerOptions } from '../server-options.ts';

export type ServerName = keyof ServerOptions;

/** What one must know of a kind of server to bring one up, by whichever way. */
export interface Kind<Name extends ServerName = ServerName> {
  readonly name: Name;
  /** The environment variable that names a server which is running already. */
  readonly variable: string;
  /** What a client connects with. */
  url(address: Address): string;
  /** Resolves if the server answers its own protocol; rejects with the reason if it does not, or not yet. */
  answers(address: Address): Promise<unknown>;
  /** Gets the program and prepares its data in an empty folder. Rejects with what to install. */
  prepare(place: Place, options: ServerOptions[Name]): Promise<Program>;
  /** `published` is where its port will be seen from outside. */
  container(published: Address, options: ServerOptions[Name]): ContainerSpec;
}

export interface Place {
  readonly run: Run;
  readonly folder: string;
  readonly port: number;
}

export interface Program {
  readonly command: string;
  readonly args: readonly string[];
  /** Who runs it, if not the user who runs the tests. */
  readonly user?: User;
  /** Asks it to end in good order. Default SIGTERM. */
  readonly stopSignal?: NodeJS.Signals;
  /** How long it may take for that before it is killed. Default 15,000 ms. */
  readonly stopMs?: number;
}

export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface ContainerSpec {
  readonly image: string;
  /** Ports inside the container, and the ports of the engine's host that lead to them. */
  readonly publish?: readonly { readonly container: number; readonly host: number }[];
  /** The network mode, if not the engine's default. */
  readonly network?: string;
  readonly command?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Contents by path inside the container. */
  readonly files?: Readonly<Record<string, string>>;
}
