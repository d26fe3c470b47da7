import type { Address } from '../address.ts';
import { kafkaRequestKey } from './kafka-requests.ts';
import type { Wire } from './wire.ts';

/** Where a broker says that it is, and where its clients shall connect instead. */
export interface Move {
  readonly from: Address;
  readonly to: Address;
}

/** Where the key of a request, its correlation id, and that of a reply are: behind the length of the whole. */
const KEY_AT = 4;
const REQUEST_ID_AT = 8;
const REPLY_ID_AT = 4;

/**
 * Kafka's protocol: requests are meant by their name and, if one wants, something that they contain:
 * `OffsetCommit`, `Produce some-topic`.
 *
 * A broker tells its clients where it and its peers are, and they would go there and leave the proxy. So replies are changed
 * on their way. Whatever the reply and its version, the host is followed by the four bytes of the port, and hosts of the same
 * length leave the length of the reply as it is.
 */
export function kafkaWire(moves: readonly Move[]): Wire {
  return {
    cutter: cutFrames,
    means(text) {
      if (text === '') return () => true;
      const [name = '', ...content] = text.split(' ');
      const key = kafkaRequestKey(name);
      return request => request.readInt16BE(KEY_AT) === key && request.includes(content.join(' '));
    },
    isReply: (reply, request) => reply.readInt32BE(REPLY_ID_AT) === request.readInt32BE(REQUEST_ID_AT),
    translate(reply) {
      for (const { from, to } of moves) {
        const there = toBytes(to);
        for (let at = 0; (at = reply.indexOf(toBytes(from), at)) !== -1; at += there.length) there.copy(reply, at);
      }
      return reply;
    },
  };
}

/** Each message comes behind its length. */
function cutFrames(): (data: Buffer) => readonly Buffer[] {
  let rest = Buffer.alloc(0);
  return data => {
    const frames: Buffer[] = [];
    rest = Buffer.concat([rest, data]);
    for (let end; rest.length >= 4 && (end = 4 + rest.readInt32BE(0)) <= rest.length; rest = rest.subarray(end)) {
      frames.push(rest.subarray(0, end));
    }
    return frames;
  };
}

function toBytes({ host, port }: Address): Buffer {
  const bytes = Buffer.alloc(host.length + 4);
  bytes.write(host, 'latin1');
  bytes.writeInt32BE(port, host.length);
  return bytes;
}
