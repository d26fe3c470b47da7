import type { ServerName } from '@switchyard/test-servers';
import type { OwnServer } from '@switchyard/test-servers';
import type { ServiceOptions } from './worker-process.ts';

/** What the faults of servers and networks need to know about a store. */
export interface ServerUnderTest {
  readonly server: ServerName;
  /** A server that keeps what it has acknowledged, over a restart and over a kill. */
  launch(): Promise<OwnServer>;
  /** Options of `createQueueService` for the server at this URL. */
  options(url: string): ServiceOptions;
  /** Ends every connection that the server has, as its administrator can; absent where there is no such way. */
  killConnections?(url: string): Promise<void>;
  /** Text by which requests are recognised on the wire, once a connection has made some. */
  readonly requests: { readonly add: string; readonly reserve: string; readonly settle: string };
  /** Whether the server knows the ids it has, so that what is sent twice is stored once. Default true. */
  readonly knowsIds?: boolean;
}
