import type { Address } from '../address.ts';
import { exchange } from './exchange.ts';

const METADATA = 3;
const VERSION = 1;
const NO_TOPICS = 0;

/** How many brokers the one at this address knows to be in service. */
export function kafkaBrokers(address: Address): Promise<number> {
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 4);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(VERSION, 6);
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(NO_TOPICS, 14);
  // The answer: its length, the correlation id, then the brokers, of which the count comes first.
  return exchange(address, request, received => (received.length < 12 ? undefined : received.readInt32BE(8)));
}
