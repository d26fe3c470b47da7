import { expect, test } from 'vitest';
import { createKafkaProxies } from '../src/proxy/kafka-proxies.ts';
import { kafkaWire } from '../src/proxy/kafka-wire.ts';

const broker = { host: '127.0.0.1', port: 20_001 };
const proxy = { host: '127.0.0.1', port: 20_002 };
const wire = kafkaWire([{ from: broker, to: proxy }]);

function frame(...parts: (Buffer | string)[]): Buffer {
  const body = Buffer.concat(parts.map(part => Buffer.from(part)));
  const length = Buffer.alloc(4);
  length.writeInt32BE(body.length);
  return Buffer.concat([length, body]);
}

function request(key: number, id: number, content = ''): Buffer {
  const header = Buffer.alloc(8);
  header.writeInt16BE(key, 0);
  header.writeInt32BE(id, 4);
  return frame(header, content);
}

function reply(id: number, ...parts: (Buffer | string)[]): Buffer {
  const header = Buffer.alloc(4);
  header.writeInt32BE(id);
  return frame(header, ...parts);
}

function place({ host, port }: { host: string; port: number }): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(port);
  return Buffer.concat([Buffer.from(host), bytes]);
}

test.for([1, 3, 1000])('messages are whole, in whichever pieces of %i bytes they arrive', size => {
  const messages = [request(0, 1, 'one'), request(3, 2), request(0, 3, 'x'.repeat(50))];
  const bytes = Buffer.concat(messages);
  const cut = wire.cutter();
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) found.push(...cut(bytes.subarray(at, at + size)));
  expect(found).toEqual(messages);
});

test('requests are known by their name, and by what they contain', () => {
  expect(wire.means('Produce')(request(0, 1))).toBe(true);
  expect(wire.means('Produce')(request(8, 1, 'Produce'))).toBe(false);
  expect(wire.means('OffsetCommit')(request(8, 1))).toBe(true);
  expect(wire.means('Produce topic')(request(0, 1, 'a topic'))).toBe(true);
  expect(wire.means('Produce topic')(request(0, 1, 'another'))).toBe(false);
  expect(wire.means('')(request(8, 1))).toBe(true);
  expect(() => wire.means('Nothing')).toThrow('OffsetCommit');
});

test('a reply belongs to the request with its number', () => {
  expect(wire.isReply(reply(7), request(0, 7))).toBe(true);
  expect(wire.isReply(reply(8), request(0, 7))).toBe(false);
});

test('replies lead to the proxy, wherever they name the broker', () => {
  const other = place({ ...broker, port: 20_003 });
  const translated = wire.translate(reply(1, 'a', place(broker), 'b', other, place(broker)));
  expect(translated).toEqual(reply(1, 'a', place(proxy), 'b', other, place(proxy)));
});

test('a broker whose name has another length cannot be hidden', async () => {
  const advertised = { host: 'kafka.example', port: 9092 };
  await expect(createKafkaProxies([{ target: broker, advertised }])).rejects.toThrow('kafka.example');
});
