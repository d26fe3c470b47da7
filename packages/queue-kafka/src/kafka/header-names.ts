interface KnownName {
  readonly bytes: Buffer;
  readonly text: string;
}

/** Names that came lately, by a hash of them. */
const knownNames: (KnownName | undefined)[] = Array.from({ length: 256 }, () => undefined);

/** The name of a header that is written there. The same few come in each record: most need no new string. */
export function headerName(data: Buffer, at: number, length: number): string {
  if (length === 0) return '';
  const end = at + length;
  const last = data[end - 1] as number;
  const middle = data[at + (length >> 1)] as number;
  const place = (length * 31 + last * 7 + middle) & 255;
  const known = knownNames[place];
  if (known !== undefined && isAt(data, at, length, known.bytes)) return known.text;
  const text = data.toString('utf8', at, end);
  // A copy: a slice would keep the answer alive. Long ones are not worth it.
  if (length <= 64) knownNames[place] = { bytes: Buffer.from(data.subarray(at, end)), text };
  return text;
}

function isAt(data: Buffer, at: number, length: number, bytes: Buffer): boolean {
  if (bytes.length !== length) return false;
  for (let index = 0; index < length; index++) if (data[at + index] !== bytes[index]) return false;
  return true;
}
