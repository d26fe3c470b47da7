import type { Address } from '../address.ts';
import { exchange } from './exchange.ts';

const METADATA = 3;
const VERSION = 1;
const ALL_TOPICS = -1;

export interface KafkaBroker extends Address {
  readonly id: number;
}

export interface KafkaPartition {
  readonly topic: string;
  readonly partition: number;
  /** The id of a broker; -1 if there is none. */
  readonly leader: number;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export interface KafkaMetadata {
  /** The brokers in service, as they call themselves. */
  readonly brokers: readonly KafkaBroker[];
  readonly partitions: readonly KafkaPartition[];
}

/** What the broker at this address knows of its cluster. */
export function kafkaMetadata(address: Address): Promise<KafkaMetadata> {
  const request = Buffer.alloc(4 + 2 + 2 + 4 + 2 + 4);
  request.writeInt32BE(request.length - 4, 0);
  request.writeInt16BE(METADATA, 4);
  request.writeInt16BE(VERSION, 6);
  request.writeInt32BE(1, 8); // correlation id
  request.writeInt16BE(-1, 12); // no client id
  request.writeInt32BE(ALL_TOPICS, 14);
  return exchange(address, request, received => {
    const isWhole = received.length >= 4 && received.length >= 4 + received.readInt32BE(0);
    return isWhole ? readMetadata(received.subarray(8)) : undefined;
  });
}

function readMetadata(bytes: Buffer): KafkaMetadata {
  let at = 0;
  const int16 = () => bytes.readInt16BE((at += 2) - 2);
  const int32 = () => bytes.readInt32BE((at += 4) - 4);
  const text = () => {
    const length = Math.max(int16(), 0);
    return bytes.toString('utf8', at, (at += length));
  };
  const list = <Item>(item: () => Item) => Array.from({ length: int32() }, item);

  const brokers = list(() => {
    const broker = { id: int32(), host: text(), port: int32() };
    text(); // its rack
    return broker;
  });
  int32(); // the controller
  const topics = list(() => {
    int16(); // an error
    const topic = text();
    at++; // whether it is internal
    return list(() => {
      int16(); // an error
      return { topic, partition: int32(), leader: int32(), replicas: list(int32), inSync: list(int32) };
    });
  });
  return { brokers, partitions: topics.flat() };
}
