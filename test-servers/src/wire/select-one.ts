import type { Address } from '../address.ts';
import { exchange } from './exchange.ts';

const PROTOCOL_3_0 = 0x30000;

/** Runs `SELECT 1` as the user `postgres`, who must be trusted without a password. Rejects with the server's error. */
export async function selectOne(address: Address): Promise<void> {
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0');
  const startup = Buffer.concat([int32(parameters.length + 8), int32(PROTOCOL_3_0), parameters]);
  const query = Buffer.from('SELECT 1\0');
  await exchange(address, Buffer.concat([startup, Buffer.from('Q'), int32(query.length + 4), query]), findRow);
}

function findRow(received: Buffer): true | undefined {
  for (let at = 0; at + 5 <= received.length;) {
    const type = String.fromCharCode(received.readUInt8(at));
    const end = at + 1 + received.readInt32BE(at + 1);
    if (end > received.length) return undefined;
    if (type === 'D') return true;
    if (type === 'E') throw new Error(received.toString('utf8', at + 5, end).replaceAll('\0', ' '));
    at = end;
  }
  return undefined;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}
